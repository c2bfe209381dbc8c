package io.ballast.bulk;

import com.google.protobuf.CodedOutputStream;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One line of the data set.
 *
 * @param file the input file's name, as {@link InputFile} has it
 * @param line its place in the file, from 1
 * @param id the caller's name for it, as JSON; null: none
 * @param prompt what was asked
 * @param completions what was answered; empty if there is a {@code problem}
 * @param references what a composite checks the completions against, by name
 * @param problem why the line says nothing to score; null: it does
 */
public record Row(
    String file,
    long line,
    @Nullable String id,
    String prompt,
    List<String> completions,
    Map<String, String> references,
    @Nullable Failure problem) {

  /** A row without anything to score. */
  static Row without(String file, long line, @Nullable String id, Failure problem) {
    return new Row(file, line, id, "", List.of(), Map.of(), problem);
  }

  /** How many bytes its items are in a request, but for a few. */
  long requestBytes() {
    long shared = CodedOutputStream.computeStringSizeNoTag(prompt);
    for (Map.Entry<String, String> reference : references.entrySet()) {
      shared += CodedOutputStream.computeStringSizeNoTag(reference.getKey());
      shared += CodedOutputStream.computeStringSizeNoTag(reference.getValue());
    }
    long bytes = 0;
    for (String completion : completions) {
      bytes += shared + CodedOutputStream.computeStringSizeNoTag(completion);
    }
    return bytes;
  }
}
