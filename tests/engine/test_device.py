import pytest
import torch

from engine.device import describe_device, pick_device, pick_precision
from engine.errors import SettingsError


def test_a_device_comes_with_its_reason() -> None:
    device, why = pick_device("auto")
    assert isinstance(device, torch.device) and why
    assert pick_device("cpu") == (torch.device("cpu"), "asked for")


@pytest.mark.parametrize("wanted", ["gpu", "cuda:x", "tpu", ""])
def test_a_device_that_makes_no_sense_is_refused(wanted: str) -> None:
    with pytest.raises(SettingsError, match="Needed: auto, cpu, cuda"):
        pick_device(wanted)


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(SettingsError, match="not on this machine"):
        pick_device("cuda:99")


def test_precision_follows_the_wish_first() -> None:
    cpu = torch.device("cpu")
    assert pick_precision("float32", cpu)[0] is None
    assert pick_precision("bfloat16", cpu)[0] is torch.bfloat16
    assert pick_precision("auto", cpu)[1]


def test_a_run_records_what_decides_its_digits() -> None:
    said = describe_device(torch.device("cpu"))
    assert said["torch"] == torch.__version__ and said["threads"] >= 1
