package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.ballast.inference.onnx.HeadActivation;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.onnx.TinyFolders;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.inference.triton.export.ExportOptions;
import io.ballast.inference.triton.export.TritonExport;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.testing.ByteTokenizer;
import io.ballast.testing.FakeTriton;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What opening a version takes is given back when it fails. */
class PlacedScoringTest {
  private static final DecoderConfig SHAPE =
      new DecoderConfig(16, 24, 1, 4, 2, ByteTokenizer.VOCABULARY, 32, 1e-5, 10_000, true, 0, 0);

  @TempDir Path folder;

  /**
   * Writes a trunk with its tokenizer and heads on it, and returns them as Triton would have it.
   */
  private Path export() throws IOException {
    Path trunk = TinyFolders.trunk(folder.resolve("tiny/1"), SHAPE, 11);
    ByteTokenizer.write(trunk);
    Path heads = Files.createDirectories(folder.resolve("tiny-cost/1"));
    ScoringModelFolder.write(
        heads, TinyFolders.heads(trunk, ScoringKind.COST, 2, HeadActivation.TANH, 5), Map.of());
    return new TritonExport(folder.resolve("repository"), ExportOptions.defaults())
        .scoring("tiny-cost", List.of(new Version(1, heads)), reference -> trunk);
  }

  @Test
  void aVersionThatCannotBeConnectedToLeavesNoTokenizerBehind() throws Exception {
    SelfSigned certificate = SelfSigned.make(folder);
    List<HuggingFaceTokenizerAdapter> read = new ArrayList<>();
    try (FakeTriton triton =
        FakeTriton.encrypted(export(), certificate.key(), certificate.certificate())) {
      ScoringPlace place =
          new ScoringPlace(
              List.of("localhost:" + triton.port()),
              List.of(),
              Map.of(),
              true,
              Optional.of(certificate.pem()),
              Optional.empty(),
              Optional.empty(),
              Duration.ofSeconds(10),
              1,
              1);
      try (PlacedScoring placed =
          new PlacedScoring(
              place,
              place.open(name -> null),
              ScoringKind.COST,
              List.of("tiny-cost"),
              List.of(folder),
              peer ->
                  new PeerGuard(
                      peer, place.peer(), () -> Instant.EPOCH, () -> 0, new SimpleMeterRegistry()),
              trunk -> {
                read.add(HuggingFaceTokenizerAdapter.ofFolder(trunk));
                return read.getLast();
              })) {
        PinnedVersion id = placed.list().getFirst().id();
        Files.delete(certificate.pem());

        MeshException refused =
            catchThrowableOfType(MeshException.class, () -> placed.open(id, Optional.empty()));

        assertThat(refused.fault()).isEqualTo(Fault.PRECONDITION_FAILED);
        assertThat(refused)
            .hasMessageStartingWith("tiny-cost 1: trusted: " + certificate.pem() + ": ");
        assertThat(placed.flaws(List.of(id))).containsOnlyKeys("tiny-cost 1");
        assertThat(read).hasSize(1);
        assertThatThrownBy(() -> read.getFirst().encode("int a"))
            .isInstanceOf(IllegalStateException.class);
      }
    }
  }

  @Test
  void whatACallerNamedIsForgottenWhenTritonHasItNoMore() throws Exception {
    try (FakeTriton triton = FakeTriton.start(export())) {
      ScoringPlace place =
          new ScoringPlace(
              List.of(triton.address()),
              List.of(),
              Map.of(),
              false,
              Optional.empty(),
              Optional.empty(),
              Optional.empty(),
              Duration.ofSeconds(10),
              1,
              1);
      try (PlacedScoring placed =
          new PlacedScoring(
              place,
              place.open(name -> null),
              ScoringKind.COST,
              List.of("another"),
              List.of(folder),
              peer ->
                  new PeerGuard(
                      peer,
                      place.peer(),
                      () -> Instant.EPOCH,
                      () -> 0,
                      new SimpleMeterRegistry()))) {
        placed.refresh("tiny-cost");
        PinnedVersion id = placed.list().getFirst().id();
        placed.open(id, Optional.empty()).scorer(Lane.BATCH).close();
        triton.unload();

        placed.refresh("tiny-cost");

        assertThat(placed.list()).isEmpty();
        assertThat(placed.knows("tiny-cost")).isFalse();
        assertThat(placed.knows("another")).as("an operator named it").isTrue();
        assertThat(placed.flaws(List.of(id))).isEmpty();
      }
    }
  }
}
