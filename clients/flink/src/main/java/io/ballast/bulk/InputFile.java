package io.ballast.bulk;

/**
 * A file of the data set, as it was when the job began.
 *
 * @param name as output rows have it: its path below the input it was found in, or its own name
 * @param path absolute
 * @param bytes its size
 * @param rows its lines that are not blank
 */
record InputFile(String name, String path, long bytes, long rows) {}
