package io.ballast.safety.adapter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.rl.bound.SafetyTestNumbers;
import io.ballast.safety.core.safetytest.AccountShare;
import io.ballast.safety.core.safetytest.Certificate;
import io.ballast.safety.core.safetytest.CertificateTerms;
import io.ballast.safety.core.safetytest.DeltaAccount;
import io.ballast.safety.core.safetytest.JudgeDependence;
import io.ballast.safety.core.safetytest.Look;
import io.ballast.safety.core.safetytest.LookRule;
import io.ballast.safety.core.safetytest.ReuseRule;
import io.ballast.safety.core.safetytest.TestOutcome;
import io.ballast.safety.core.safetytest.TestScope;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * What is signed: one JSON object, whose fields docs/certificates.md lists. The same certificate
 * gives the same bytes.
 */
final class CertificateJson {
  private static final int FORMAT = 2;
  private static final ObjectMapper JSON = new ObjectMapper();

  private CertificateJson() {}

  /** What a signed document says. */
  record Document(Certificate certificate, CertificateTerms terms) {}

  static ObjectNode tree(Certificate certificate, CertificateTerms terms) {
    ObjectNode node = JSON.createObjectNode();
    node.put("format", FORMAT);
    node.put("certificate_id", certificate.id().toString());
    node.put("test_id", certificate.testId().toString());
    node.put("ledger_entry_id", terms.ledgerEntryId().toString());
    terms.look().ifPresent(look -> put(node.putObject("look"), look));
    terms.account().ifPresent(account -> put(node.putObject("account"), account));
    ObjectNode candidate = version(node.putObject("candidate"), certificate.candidate());
    candidate.put("folder_sha256", terms.scope().candidateFolderSha256());
    terms.scope().base().ifPresent(base -> version(node.putObject("base"), base));
    node.put("alias", terms.scope().alias());
    ObjectNode judge = version(node.putObject("cost_model"), certificate.costModel());
    judge.put("folder_sha256", terms.scope().costModelFolderSha256());
    ArrayNode optimised = node.putArray("optimised_cost_models");
    certificate.optimisedCostModels().forEach(each -> version(optimised.addObject(), each));
    terms.scope().dependence().ifPresent(each -> put(node.putObject("same_cost_model"), each));
    SafetyTestNumbers numbers = certificate.outcome().numbers();
    ObjectNode outcome = node.putObject("outcome");
    outcome.put("n", numbers.n());
    if (terms.groupsCount() > 0) {
      outcome.put("groups_count", terms.groupsCount());
    }
    outcome.put("mean_cost", numbers.meanCost());
    outcome.put("std_cost", numbers.stdCost());
    outcome.put("upper_bound", numbers.upperBound());
    outcome.put("threshold", numbers.threshold());
    outcome.put("delta", numbers.delta());
    outcome.put("bound_method", numbers.method().name());
    outcome.put("failed_items_count", certificate.outcome().failedItems());
    SamplingOptions options = certificate.sampling();
    ObjectNode sampling = node.putObject("sampling");
    sampling.put("temperature", options.temperature());
    sampling.put("top_k", options.topK());
    sampling.put("top_p", options.topP());
    sampling.put("max_new_tokens", options.maxNewTokens());
    ArrayNode stops = sampling.putArray("stop_strings");
    options.stopStrings().forEach(stops::add);
    sampling.put("seed", Long.toString(options.seed()));
    sampling.put("max_prompt_tokens", terms.maxPromptTokens());
    if (terms.chunk() > 0) {
      sampling.put("chunk", terms.chunk());
    }
    node.put("prompts_sha256", certificate.promptsSha256());
    node.put("costs_sha256", certificate.costsSha256());
    node.put("merkle_root", terms.merkleRoot());
    node.put("issue_time", certificate.issuedAt().toString());
    node.put("not_after", terms.notAfter().toString());
    node.put("code_version", terms.codeVersion());
    node.put("digest_sha256", certificate.digestSha256());
    return node;
  }

  private static void put(ObjectNode node, Look look) {
    node.put("reuse", look.rule().rule().name());
    node.put("ordinal", look.ordinal());
    node.put("looks", look.rule().looks());
    node.put("total_delta", look.rule().totalDelta());
  }

  private static void put(ObjectNode node, DeltaAccount account) {
    node.put("name", account.share().name());
    node.put("looks", account.share().looks());
    node.put("total_delta", account.share().totalDelta());
    node.put("earlier_weights_looks", account.ofWeights().looks());
    node.put("earlier_weights_delta", account.ofWeights().delta());
    node.put("earlier_account_looks", account.ofName().looks());
    node.put("earlier_account_delta", account.ofName().delta());
  }

  private static void put(ObjectNode node, JudgeDependence dependence) {
    node.put("optimised", dependence.sameModel());
    node.put("common_labels", dependence.commonLabels());
    node.put("unsaid_models", dependence.unsaidModels());
  }

  private static JudgeDependence dependence(JsonNode node) {
    return new JudgeDependence(
        required(node, "optimised").asBoolean(),
        required(node, "common_labels").asInt(),
        required(node, "unsaid_models").asInt());
  }

  private static DeltaAccount account(JsonNode node) {
    return new DeltaAccount(
        new AccountShare(
            text(node, "name"),
            required(node, "looks").asInt(),
            required(node, "total_delta").asDouble()),
        new DeltaAccount.Earlier(
            required(node, "earlier_weights_looks").asInt(),
            required(node, "earlier_weights_delta").asDouble()),
        new DeltaAccount.Earlier(
            required(node, "earlier_account_looks").asInt(),
            required(node, "earlier_account_delta").asDouble()));
  }

  private static ObjectNode version(ObjectNode node, PinnedVersion version) {
    return node.put("model", version.model())
        .put("version", version.version())
        .put("weights_sha256", version.weightsSha256());
  }

  static byte[] bytes(JsonNode tree) {
    try {
      return JSON.writeValueAsBytes(tree);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree can be written", e);
    }
  }

  /**
   * @throws IllegalArgumentException if a field is missing or not what it should be, naming it
   */
  static Document read(JsonNode node) {
    if (required(node, "format").asInt() != FORMAT) {
      throw new IllegalArgumentException(
          "format: %s (expected: %d)".formatted(node.get("format"), FORMAT));
    }
    JsonNode candidate = required(node, "candidate");
    JsonNode judge = required(node, "cost_model");
    List<PinnedVersion> optimised = new ArrayList<>();
    required(node, "optimised_cost_models").forEach(each -> optimised.add(version(each)));
    Certificate certificate =
        new Certificate(
            id(node, "certificate_id"),
            id(node, "test_id"),
            version(candidate),
            version(judge),
            optimised,
            outcome(required(node, "outcome")),
            sampling(required(node, "sampling")),
            text(node, "prompts_sha256"),
            text(node, "costs_sha256"),
            time(node, "issue_time"),
            text(node, "digest_sha256"));
    JsonNode base = node.get("base");
    TestScope scope =
        new TestScope(
            text(candidate, "folder_sha256"),
            text(judge, "folder_sha256"),
            base == null ? Optional.empty() : Optional.of(version(base)),
            text(node, "alias"),
            node.has("same_cost_model")
                ? Optional.of(dependence(node.get("same_cost_model")))
                : Optional.empty());
    return new Document(
        certificate,
        new CertificateTerms(
            scope,
            required(required(node, "sampling"), "max_prompt_tokens").asInt(),
            node.get("sampling").path("chunk").asInt(0),
            node.get("outcome").path("groups_count").asInt(0),
            text(node, "merkle_root"),
            time(node, "not_after"),
            text(node, "code_version"),
            id(node, "ledger_entry_id"),
            node.has("look") ? Optional.of(look(node.get("look"))) : Optional.empty(),
            node.has("account") ? Optional.of(account(node.get("account"))) : Optional.empty()));
  }

  private static Look look(JsonNode node) {
    LookRule rule =
        new LookRule(
            ReuseRule.valueOf(text(node, "reuse")),
            required(node, "looks").asInt(),
            required(node, "total_delta").asDouble());
    return new Look(rule, required(node, "ordinal").asInt());
  }

  private static TestOutcome outcome(JsonNode node) {
    String method = text(node, "bound_method");
    return new TestOutcome(
        new SafetyTestNumbers(
            required(node, "n").asInt(),
            required(node, "mean_cost").asDouble(),
            required(node, "std_cost").asDouble(),
            required(node, "upper_bound").asDouble(),
            required(node, "threshold").asDouble(),
            required(node, "delta").asDouble(),
            BoundMethod.valueOf(method)),
        required(node, "failed_items_count").asInt());
  }

  private static SamplingOptions sampling(JsonNode node) {
    List<String> stops = new ArrayList<>();
    required(node, "stop_strings").forEach(stop -> stops.add(stop.asText()));
    return SamplingOptions.builder()
        .temperature(required(node, "temperature").asDouble())
        .topK(required(node, "top_k").asInt())
        .topP(required(node, "top_p").asDouble())
        .maxNewTokens(required(node, "max_new_tokens").asInt())
        .stopStrings(stops)
        .seed(Long.parseLong(text(node, "seed")))
        .build();
  }

  private static PinnedVersion version(JsonNode node) {
    return new PinnedVersion(
        text(node, "model"), text(node, "version"), text(node, "weights_sha256"));
  }

  private static UUID id(JsonNode node, String field) {
    return UUID.fromString(text(node, field));
  }

  private static Instant time(JsonNode node, String field) {
    try {
      return Instant.parse(text(node, field));
    } catch (DateTimeException e) {
      throw new IllegalArgumentException(field + ": " + e.getMessage(), e);
    }
  }

  private static String text(JsonNode node, String field) {
    return required(node, field).asText();
  }

  private static JsonNode required(JsonNode node, String field) {
    JsonNode value = node.get(field);
    if (value == null || value.isNull()) {
      throw new IllegalArgumentException(field + ": missing");
    }
    return value;
  }
}
