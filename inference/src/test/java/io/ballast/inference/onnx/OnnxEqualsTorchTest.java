package io.ballast.inference.onnx;

import static io.ballast.inference.onnx.TinyFolders.doubles;
import static io.ballast.inference.onnx.TinyFolders.gap;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.FeatureOutcome.Extracted;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.CompletionGroup;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.FrozenDecoder;
import io.ballast.inference.torch.GroupScores;
import io.ballast.inference.torch.TorchRuntime;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two engines, one folder, the same log-probabilities: what trains is what scores. */
class OnnxEqualsTorchTest {
  @TempDir Path folder;

  @Test
  void logProbsEqualTheTorchDecoders() throws IOException {
    TorchRuntime.setThreads(1);
    SplittableRandom random = new SplittableRandom(21);
    List<CompletionGroup> groups = new ArrayList<>();
    for (int g = 0; g < 5; g++) {
      List<TokenIds> completions = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        completions.add(TinyFolders.tokens(random, random.nextInt(1, 9)));
      }
      groups.add(
          new CompletionGroup(TinyFolders.tokens(random, random.nextInt(1, 20)), completions));
    }
    for (DecoderConfig config : List.of(TinyFolders.GROUPED, TinyFolders.UNTIED)) {
      Path trunk = TinyFolders.trunk(folder.resolve("trunk-" + config.tiedHead()), config, 3);
      try (FrozenDecoder torch = FrozenDecoder.load(trunk, Arithmetic.FLOAT32);
          OnnxFeatureReader onnx =
              OnnxFeatureReader.open(trunk, ScoringFeature.all(), folder.resolve("cache"), 1)) {
        List<GroupScores> expected = torch.scores(groups);
        List<List<FeatureOutcome>> found =
            onnx.read(
                groups.stream()
                    .map(group -> new ScoringGroup(group.prompt(), group.completions()))
                    .toList());
        for (int g = 0; g < groups.size(); g++) {
          for (int i = 0; i < 4; i++) {
            Extracted extracted = (Extracted) found.get(g).get(i);
            assertThat(
                    gap(
                        doubles(extracted.logProbs().toArray()),
                        doubles(expected.get(g).logProbs().get(i).toArray())))
                .isLessThan(1e-5);
          }
        }
      }
    }
  }
}
