"""The static site: pages from the catalogue and the stored results, built by MkDocs and swapped in whole."""
