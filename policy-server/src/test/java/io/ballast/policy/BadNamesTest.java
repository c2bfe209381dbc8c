package io.ballast.policy;

import static io.ballast.policy.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.GetVersionRequest;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.ListVersionsRequest;
import io.ballast.policy.v1.LogProbsItem;
import io.ballast.policy.v1.LogProbsRequest;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.RollBackAliasRequest;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestStreamRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** No name of a model, a version or an alias leads out of the store, or into a log or a column. */
class BadNamesTest {
  private static final String EXPECTED =
      " (expected: 1 to 128 of [A-Za-z0-9._-], a letter or digit first)";

  private final FakeModels models = new FakeModels();
  private final TestMesh mesh = TestMesh.start(models);

  @AfterEach
  void stop() {
    mesh.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "..",
        "../../etc",
        "a/b",
        "a\\b",
        "/etc",
        ".hidden",
        "-x",
        "_x",
        "a\u0000b",
        "1\n2",
        "1 2",
        "é",
        "%2e%2e"
      })
  void aNameThatCouldBeNoFolderIsRefusedByEveryCall(String name) {
    String flaw = ": '" + name + "'" + EXPECTED;
    ModelSelector.Builder byModel = ModelSelector.newBuilder().setModel(name);
    ModelSelector.Builder byVersion = ModelSelector.newBuilder().setVersion(name);
    ModelSelector.Builder byAlias = ModelSelector.newBuilder().setAlias(name);

    assertSelectorRefused(byModel, "model" + flaw);
    assertSelectorRefused(byVersion, "policy.version" + flaw);
    assertSelectorRefused(byAlias, "policy.alias" + flaw);
    assertRefused(
        () -> register(RegisterVersionRequest.newBuilder().setVersion(name)), "version" + flaw);
    assertRefused(
        () -> register(RegisterVersionRequest.newBuilder().setModel(name).setVersion("2")),
        "model" + flaw);
    assertRefused(
        () -> register(RegisterVersionRequest.newBuilder().setVersion("1").setParentVersion(name)),
        "parent_version" + flaw);
    assertRefused(
        () -> mesh.versions().listVersions(ListVersionsRequest.newBuilder().setModel(name).build()),
        "model" + flaw);
    assertRefused(
        () -> mesh.versions().listAliases(ListAliasesRequest.newBuilder().setModel(name).build()),
        "model" + flaw);
    assertRefused(() -> promote(promotion().setModel(name)), "model" + flaw);
    assertRefused(() -> promote(promotion().setAlias(name)), "alias" + flaw);
    assertRefused(() -> promote(promotion().setNewVersion(name)), "new_version" + flaw);
    assertRefused(() -> rollBack(RollBackAliasRequest.newBuilder().setModel(name)), "model" + flaw);
    assertRefused(() -> rollBack(RollBackAliasRequest.newBuilder().setAlias(name)), "alias" + flaw);
    assertThat(models.loads).as("nobody looked for it").containsExactly("java-tiny/1");
  }

  @Test
  void aNameThatIsTooLongIsShownInPart() {
    assertRefused(
        () -> register(RegisterVersionRequest.newBuilder().setVersion("v".repeat(129))),
        "version: '" + "v".repeat(32) + "…'" + EXPECTED);
  }

  @Test
  void whatIsOnlyKeptMustFitIntoAColumn() {
    assertRefused(
        () -> register(RegisterVersionRequest.newBuilder().setVersion("1").setRunId("run\0")),
        "run_id: character 3 is U+0000 (expected: no control characters)");
    assertRefused(
        () ->
            register(RegisterVersionRequest.newBuilder().setVersion("1").setRunId("r".repeat(129))),
        "run_id: 129 characters (expected: at most 128)");
    assertRefused(
        () -> promote(promotion().setCertificateId("c\n")),
        "certificate_id: character 1 is U+000A (expected: no control characters)");
    assertRefused(
        () -> promote(promotion().setExpectedVersion("1".repeat(129))),
        "expected_version: 129 characters (expected: at most 128)");
    assertRefused(
        () -> rollBack(RollBackAliasRequest.newBuilder().setExpectedVersion("1\0")),
        "expected_version: character 1 is U+0000 (expected: no control characters)");
  }

  private void assertSelectorRefused(ModelSelector.Builder selector, String message) {
    TextOrTokens text = TextOrTokens.newBuilder().setText("a").build();
    SuggestRequest suggest = SuggestRequest.newBuilder().setPrompt("a").setPolicy(selector).build();
    assertRefused(() -> mesh.policy().suggest(suggest), message);
    assertRefused(
        () ->
            mesh.policy()
                .suggestStream(SuggestStreamRequest.newBuilder().setRequest(suggest).build())
                .hasNext(),
        message);
    assertRefused(
        () ->
            mesh.policy()
                .sample(SampleRequest.newBuilder().addPrompts(text).setPolicy(selector).build()),
        message);
    assertRefused(
        () ->
            mesh.policy()
                .logProbs(
                    LogProbsRequest.newBuilder()
                        .addItems(LogProbsItem.newBuilder().setPrompt(text).setCompletion(text))
                        .setPolicy(selector)
                        .build()),
        message);
    assertRefused(
        () ->
            mesh.versions()
                .getVersion(GetVersionRequest.newBuilder().setSelector(selector).build()),
        message);
  }

  private void register(RegisterVersionRequest.Builder request) {
    var unused = mesh.versions().registerVersion(request.build());
  }

  private void promote(PromoteAliasRequest.Builder request) {
    var unused = mesh.versions().promoteAlias(request.build());
  }

  private void rollBack(RollBackAliasRequest.Builder request) {
    var unused = mesh.versions().rollBackAlias(request.build());
  }

  private static PromoteAliasRequest.Builder promotion() {
    return PromoteAliasRequest.newBuilder().setExpectedVersion("1").setNewVersion("2");
  }
}
