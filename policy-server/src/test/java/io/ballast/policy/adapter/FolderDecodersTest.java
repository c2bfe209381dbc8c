package io.ballast.policy.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.memory.MemoryBudget;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.torch.KeptVocabulary;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.policy.core.version.LoadedDecoder;
import io.ballast.policy.testing.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is loaded of a folder is told by the digest of all its files, as they were verified. */
class FolderDecodersTest {
  @TempDir Path models;

  @Test
  void theDigestIsOfTheFolderThatWasRead() throws IOException {
    TinyModel.writeTo(models);
    Path folder = models.resolve(TinyModel.NAME).resolve(TinyModel.VERSION);
    String before = ModelManifest.read(folder).orElseThrow().contentSha256();
    FolderDecoders decoders =
        new FolderDecoders(
            List.of(models),
            ServingOptions.defaults(),
            new MemoryBudget(1L << 30),
            new KeptVocabulary());

    assertThat(load(decoders)).isEqualTo(before);
    assertThat(decoders.folderSha256(TinyModel.NAME, TinyModel.VERSION)).isEqualTo(before);

    Files.writeString(folder.resolve("tokenizer_config.json"), "{}");
    String after = ModelManifest.write(folder, Map.of()).contentSha256();

    assertThat(after).isNotEqualTo(before);
    assertThat(load(decoders)).as("the same weights").isEqualTo(after);
  }

  private String load(FolderDecoders decoders) {
    LoadedDecoder loaded =
        decoders.load(
            new PinnedVersion(TinyModel.NAME, TinyModel.VERSION, TinyModel.sha256(models)));
    try (Decoder decoder = loaded.decoder()) {
      assertThat(decoder.contextTokens()).isEqualTo(48);
    }
    return loaded.folderSha256();
  }
}
