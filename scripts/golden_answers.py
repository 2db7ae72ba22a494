"""Keeps what models answer today as their golden answers: python -m scripts.golden_answers NAME...

For a card that is new or was mended, once its accuracy is known. `silhouette models verify --golden` compares with
them.
"""

import argparse

from service.cli.models.example import SAMPLE, Example, cpu, read_photo
from service.models.golden import write_golden
from service.models.store import Checkpoint, ModelStore
from service.settings import read_settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME")
    settings = read_settings()
    store = ModelStore(settings.model_store)
    for name in parser.parse_args().names:
        card = store.card(name)
        exact = Checkpoint(card.model_copy(update={"precision": "fp32"}), store.verify(card))
        example = Example.of(exact, read_photo(SAMPLE, settings.max_pixels), cpu(settings))
        write_golden(example.prediction, store.golden_file(card))
        print(f"{store.golden_file(card)}: written")


if __name__ == "__main__":
    main()
