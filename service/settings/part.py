"""What every group of settings shares."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsPart(BaseSettings):
    """A group of settings. Each field says what raising it costs."""

    model_config = SettingsConfigDict(
        env_prefix="SILHOUETTE_", frozen=True, extra="forbid", use_attribute_docstrings=True
    )
