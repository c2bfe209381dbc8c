package io.ballast.safety.core.safetytest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.digest.Sha256;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One hash over a list, as RFC 6962 computes it. */
class MerkleTreeTest {
  /** The leaves that implementations of RFC 6962 are compared with. */
  private static final List<byte[]> LEAVES =
      List.of("", "00", "10", "2021", "3031", "40414243", "5051525354555657").stream()
          .map(HexFormat.of()::parseHex)
          .toList();

  @ParameterizedTest
  @CsvSource({
    "0, e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "1, 6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "2, fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "3, aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "4, d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "5, 4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "6, 76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "7, ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"
  })
  void itIsTheRootOfOtherImplementations(int leaves, String root) {
    assertThat(MerkleTree.root(LEAVES.subList(0, leaves))).isEqualTo(root);
  }

  @Test
  void whatChangesOrMovesChangesTheRoot() {
    SampledCost one = new SampledCost(Sha256.of("p"), Sha256.of("c"), 0.25, false);
    SampledCost two = new SampledCost(Sha256.of("q"), SampledCost.NO_COMPLETION, 1, true);
    String root = SampledCost.merkleRoot(List.of(one, two));

    List<List<SampledCost>> others = new ArrayList<>();
    others.add(List.of(two, one));
    others.add(List.of(one));
    others.add(List.of(one, two, two));
    others.add(List.of(one, new SampledCost(two.promptSha256(), Sha256.of(""), 1, true)));
    others.add(List.of(one, new SampledCost(Sha256.of("r"), two.completionSha256(), 1, true)));
    others.add(List.of(one, new SampledCost(two.promptSha256(), two.completionSha256(), 1, false)));
    others.add(
        List.of(
            one,
            new SampledCost(two.promptSha256(), two.completionSha256(), Math.nextDown(1.0), true)));
    assertThat(others)
        .allSatisfy(other -> assertThat(SampledCost.merkleRoot(other)).isNotEqualTo(root));
  }

  @Test
  void aLeafIsBothDigestsTheCostAndWhetherItWasMissing() {
    SampledCost sample = new SampledCost("11".repeat(32), "22".repeat(32), 0.25, true);

    assertThat(HexFormat.of().formatHex(sample.leaf()))
        .isEqualTo("11".repeat(32) + "22".repeat(32) + "3fd0000000000000" + "01");
    assertThatThrownBy(() -> new SampledCost("11", "22".repeat(32), 0, false).leaf())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a digest of 1 bytes (expected: 32)");
  }
}
