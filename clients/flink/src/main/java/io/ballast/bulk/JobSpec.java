package io.ballast.bulk;

import java.util.List;

/**
 * What is the same for a job however often it is started, so that its output is of one making.
 *
 * @param inputs the files
 * @param asked what the command line asked
 * @param model what came of it: the version that an alias meant when the job began
 */
record JobSpec(List<InputFile> inputs, Asked asked, PinnedModel model) {
  /**
   * What is asked of the mesh.
   *
   * @param model NAME or NAME/VERSION; empty: what serves of the mesh's default
   * @param aggregation such as "wco"; empty: the mesh's default
   * @param truncation "keep_last" or "keep_first"; empty: what is too long fails
   * @param tenant on whose behalf
   */
  record Asked(String model, String aggregation, String truncation, String tenant) {}

  long rows() {
    return inputs.stream().mapToLong(InputFile::rows).sum();
  }
}
