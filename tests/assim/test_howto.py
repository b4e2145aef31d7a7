"""The howto pages of the library: their code runs."""

import re
from pathlib import Path

import numpy as np

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "retrieve-a-time-series.md"


def test_the_page_on_time_series_runs_and_says_what_it_shows(capsys):
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    names = {}
    for block in blocks:
        exec(compile(block, PAGE.name, "exec"), names)  # noqa: S102 - the page's own code
    result, printed = names["result"], capsys.readouterr().out
    assert result.sizes == {"x": 3, "time": 12}
    assert (np.diff(result.lai.isel(x=0)[[0, 4, 8, 11]]) > 0).all()
    assert "No observation on this date" in printed
    assert float(result.lai_sd.isel(x=0, time=8)) > float(result.lai_sd.isel(x=0, time=6))
