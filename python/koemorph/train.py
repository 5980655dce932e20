"""The door to training: python -m koemorph.train [key=value ...]."""

import sys

from koemorph.errors import MissingExtraError, raise_missing_extra


def main() -> None:
    """Train; without the extra `train` it is one sentence on standard error and exit code 2."""
    try:
        from koemorph.training.train import main as train
    except ModuleNotFoundError as error:
        try:
            raise_missing_extra("python -m koemorph.train", "train", error)
        except MissingExtraError as sentence:
            print(f"koemorph: {sentence}", file=sys.stderr)
            sys.exit(2)
    train()


if __name__ == "__main__":
    main()
