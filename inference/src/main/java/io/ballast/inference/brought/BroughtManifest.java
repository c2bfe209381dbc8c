package io.ballast.inference.brought;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * An ensemble of classifiers that users brought: a model folder's {@code reward.json}. The
 * classifiers are folders of their own, named with the checksum of what is in them.
 *
 * @param members shape [K], K ≥ 1; all read texts, or all read tokens
 */
public record BroughtManifest(List<BroughtMember> members) {
  /** The file's name. */
  public static final String FILE = "reward.json";

  private static final int MOST_MEMBERS = 64;

  /** Checks the ranges above. */
  public BroughtManifest {
    members = List.copyOf(members);
    if (members.isEmpty() || members.size() > MOST_MEMBERS) {
      throw new IllegalArgumentException(
          "members: %d (expected: 1 to %d)".formatted(members.size(), MOST_MEMBERS));
    }
    for (int k = 1; k < members.size(); k++) {
      if (tokens(members.get(k)) != tokens(members.getFirst())) {
        throw new IllegalArgumentException(
            "members[%d].input.form: %s (expected: texts or tokens for all; members[0] has %s)"
                .formatted(k, members.get(k).input().form(), members.getFirst().input().form()));
      }
    }
  }

  private static boolean tokens(BroughtMember member) {
    return member.input() instanceof MemberInput.Tokens;
  }

  /** Whether it reads tokens, and no texts. */
  public boolean readsTokens() {
    return tokens(members.getFirst());
  }

  /** Whether a folder holds one. */
  public static boolean isIn(Path folder) {
    return Files.isRegularFile(folder.resolve(FILE));
  }

  /**
   * Reads that of a folder.
   *
   * @throws ModelException INVALID_FOLDER if it is missing or is not what it should be, named
   */
  public static BroughtManifest read(Path folder) {
    Path file = folder.resolve(FILE);
    if (!Files.isRegularFile(file)) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": the file is missing");
    }
    try {
      return parse(Files.readString(file));
    } catch (IOException | IllegalArgumentException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Reads a file's text.
   *
   * @throws IllegalArgumentException naming the field that is missing, unknown or not what it
   *     should be
   */
  public static BroughtManifest parse(String json) {
    try {
      return BroughtManifestJson.parse(json);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not JSON: " + e.getOriginalMessage(), e);
    }
  }

  /** Writes it into a folder. */
  public void write(Path folder) throws IOException {
    Files.writeString(folder.resolve(FILE), BroughtManifestJson.text(this));
  }
}
