package io.ballast.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The API says of an entry of the audit trail what the database writes into it, in its order. */
class AuditContentTest {
  private static final Path API =
      Path.of("../proto/src/main/protobuf/ballast/mesh/v1/audit_service.proto");
  private static final Path WRITER =
      Path.of("../service-kit/src/main/resources/db/audit/R__audit.sql");
  private static final Pattern COMMENT =
      Pattern.compile("// (.*)\\.\n  string content = ", Pattern.MULTILINE);
  private static final Pattern WRITTEN =
      Pattern.compile("said := jsonb_build_object\\((.*?)\\)::text;", Pattern.DOTALL);

  @Test
  void eachFieldOfTheContentIsNamed() throws IOException {
    String object = only(WRITTEN, Files.readString(WRITER));
    List<String> written =
        Pattern.compile("^ +'([a-z_]+)', ", Pattern.MULTILINE)
            .matcher(object)
            .results()
            .map(field -> field.group(1))
            .toList();
    String comment = only(COMMENT, Files.readString(API));
    String named = comment.substring(comment.indexOf(": ") + 2).replaceAll(" \\([^)]*\\)", "");

    assertThat(written).contains("sequence", "principal", "details");
    assertThat(named.split(", ")).containsExactlyElementsOf(written);
  }

  private static String only(Pattern pattern, String text) {
    List<MatchResult> found = pattern.matcher(text).results().toList();
    assertThat(found).as(pattern.pattern()).hasSize(1);
    return found.getFirst().group(1);
  }
}
