package io.ballast.orchestrator.core.data;

/**
 * A row of a source.
 *
 * @param number its line in a file, or its place in a Parquet file, from 1
 * @param prompt the text
 * @param group its group; empty: it has none
 */
public record PromptRow(long number, String prompt, String group) {}
