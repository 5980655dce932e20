"""Audio files: what a file contains by its bytes, and how all of it is decoded."""
