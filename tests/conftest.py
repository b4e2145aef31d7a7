"""Options of the whole suite."""

from pathlib import Path

import pytest

SCREENSHOTS = Path(__file__).parent.parent / "docs" / "_static" / "screenshots"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-screenshots", action="store_true", help="keep the screenshots that browser tests make in the docs"
    )


@pytest.fixture(scope="session")
def screenshots(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where browser tests put pictures: into the docs only when asked, so that a test leaves the tree clean."""
    return SCREENSHOTS if request.config.getoption("--update-screenshots") else tmp_path_factory.mktemp("screenshots")
