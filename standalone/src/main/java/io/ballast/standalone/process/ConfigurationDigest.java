package io.ballast.standalone.process;

import io.ballast.kit.digest.Sha256;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import org.eclipse.microprofile.config.Config;

/** What an audit trail keeps of all properties: that they are others, and nothing of them. */
final class ConfigurationDigest {
  private static final String OURS = "ballast.";

  /**
   * Their values are no part of the digest: whoever guesses one could prove it. Counts of tokens
   * are none, nor tokenizers and files with tokens. What Kafka's producer is given may be one under
   * any name, such as {@code "sasl.jaas.config"}.
   */
  private static final Pattern SECRET =
      Pattern.compile(
          "(token(?!s|iz|-file)|password|secret|url|kafka\\.properties\\.)",
          Pattern.CASE_INSENSITIVE);

  private ConfigurationDigest() {}

  /** Returns that of the mesh's own properties that are set, in the order of their names. */
  static String of(Config config) {
    TreeMap<String, String> set = new TreeMap<>();
    StreamSupport.stream(config.getPropertyNames().spliterator(), false)
        .filter(name -> name.startsWith(OURS))
        .forEach(
            name ->
                set.put(
                    name,
                    SECRET.matcher(name).find()
                        ? "not shown"
                        : config.getOptionalValue(name, String.class).orElse("")));
    StringBuilder lines = new StringBuilder();
    set.forEach((name, value) -> lines.append(name).append('=').append(value).append('\n'));
    return Sha256.of(lines.toString());
  }
}
