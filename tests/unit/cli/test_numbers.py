"""What is said of a flag whose value is no number, or none that it takes."""

import pytest

from service.cli.main import main


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("plan --rps many", "argument --rps: 'many' is not a number above 0"),
        ("plan --rps 0", "argument --rps: '0' is not a number above 0"),
        ("top --interval often", "argument --interval: 'often' is not a number of seconds from 0.1 to 3600"),
        ("models evaluate u2net --limit 0.5", "argument --limit: '0.5' is not a whole number above 0"),
        ("models add a.onnx --multiple x", "argument --multiple: 'x' is not a whole number above 0"),
    ],
)
def test_a_flag_says_which_numbers_it_takes(command: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command.split())
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
