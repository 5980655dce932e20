"""The recipe of the bundled models: synthetic and recorded voices, teacher-made face labels."""
