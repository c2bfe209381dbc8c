package io.ballast.bulk;

import java.util.List;

/**
 * Rows that are asked about together.
 *
 * @param rows at least one
 */
public record Batch(List<Row> rows) {}
