"""Pure functions from recorded draws to estimates with standard errors."""
