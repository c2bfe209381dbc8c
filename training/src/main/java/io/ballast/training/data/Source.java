package io.ballast.training.data;

/**
 * Where a judgement comes from.
 *
 * @param row the line of its file, from 1
 * @param user whose prompt it was; empty if the file does not say
 * @param annotator who judged; empty if the file does not say
 */
public record Source(long row, String user, String annotator) {}
