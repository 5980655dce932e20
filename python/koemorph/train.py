"""Entry point of training: `python -m koemorph.train [key=value ...]`."""

import sys

from koemorph.errors import MissingExtraError, raise_missing_extra


def main() -> None:
    """Run `koemorph.training.train`; exit with a message and code 2 without its dependencies."""
    try:
        from koemorph.training.train import main as train
    except ModuleNotFoundError as error:
        try:
            raise_missing_extra("python -m koemorph.train", "train", error)
        except MissingExtraError as missing:
            print(f"koemorph: {missing}", file=sys.stderr)
            sys.exit(2)
    train()


if __name__ == "__main__":
    main()
