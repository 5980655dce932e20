"""The door to training: python -m koemorph.train [key=value ...]."""

from koemorph.training.train import main

if __name__ == "__main__":
    main()
