package io.ballast.inference.onnx;

import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Blocks that members of an ensemble trained for themselves, as they lie on disk: a file of tensors
 * for each member, named as in the trunk's folder; in a scoring folder all in its one file, member
 * k's behind {@code members.k.}.
 */
public final class MemberBlocks {
  private MemberBlocks() {}

  /** What stands before the names of a member's tensors in a scoring folder's file. */
  static String prefix(int member) {
    return "members." + member + ".";
  }

  /** The tensors of members' files as a scoring folder holds them. */
  static List<Content> contents(List<Path> files) {
    List<Content> contents = new ArrayList<>();
    for (int k = 0; k < files.size(); k++) {
      SafetensorsFile file = SafetensorsFile.open(files.get(k));
      for (String name : file.names().stream().sorted().toList()) {
        List<Long> shape = file.shape(name);
        contents.add(
            new Content(
                prefix(k) + name, file.type(name), shape, piece -> file.read(name, shape, piece)));
      }
    }
    return contents;
  }
}
