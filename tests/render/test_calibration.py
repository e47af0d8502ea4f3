"""What a calibration did, in words."""

import pytest

from office31_cli.workflow.wording import describe_calibration


@pytest.mark.parametrize(
    ("labels_used", "told"),
    [
        ({"webcam": 158}, "calibration error 16.7 %, with temperature scaling 5.0 %"),
        ({}, "calibration error on pseudo-labels 16.7 %, with temperature scaling 5.0 %"),
    ],
)
def test_an_error_that_no_label_told_is_not_called_the_calibration_error(
    labels_used: dict[str, int], told: str
) -> None:
    """It is one against the model's own answers, and tells little of the camera."""
    fitted = {"temperature": 2.05, "fitted_on": "webcam", "labels_used": labels_used}
    assert [*describe_calibration({**fitted, "ece_before": 0.167, "ece_after": 0.05})] == [
        "temperature 2.05, fitted on webcam",
        told,
    ]
