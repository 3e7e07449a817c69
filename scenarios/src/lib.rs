//! What to try: scenario files, their typed spec, the catalogue of parts, run and sweep.
