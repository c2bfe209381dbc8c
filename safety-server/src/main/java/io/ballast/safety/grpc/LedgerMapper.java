package io.ballast.safety.grpc;

import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.safety.core.safetytest.LedgerEntry;
import io.ballast.safety.core.safetytest.LookRule;
import io.ballast.safety.v1.GetLedgerResponse;
import io.ballast.safety.v1.LookState;
import io.ballast.safety.v1.ReuseRule;
import java.util.List;

/** Translates the ledger of looks. */
final class LedgerMapper {
  private LedgerMapper() {}

  static GetLedgerResponse response(List<LedgerEntry> entries) {
    return GetLedgerResponse.newBuilder()
        .addAllEntries(entries.stream().map(LedgerMapper::entry).toList())
        .build();
  }

  static io.ballast.safety.v1.LedgerEntry entry(LedgerEntry entry) {
    LookRule rule = entry.look().rule();
    io.ballast.safety.v1.LedgerEntry.Builder message =
        io.ballast.safety.v1.LedgerEntry.newBuilder()
            .setEntryId(entry.testId().toString())
            .setPromptsSha256(entry.promptsSha256())
            .setPromptsCount(entry.promptsCount())
            .setReuse(reuse(rule))
            .setLook(entry.look().ordinal())
            .setLooks(rule.looks())
            .setDelta(rule.delta())
            .setTotalDelta(rule.totalDelta())
            .setAccount(entry.account().name())
            .setAccountLooks(entry.account().looks())
            .setAccountDelta(entry.account().totalDelta())
            .setPoolSha256(entry.poolSha256())
            .setState(
                entry.givenBackAt().isPresent()
                    ? LookState.LOOK_STATE_GIVEN_BACK
                    : LookState.LOOK_STATE_TAKEN)
            .setTakeTime(Timestamps.of(entry.takenAt()))
            .setCandidate(MeshMessages.version(entry.candidate()))
            .setClosed(entry.closed());
    entry.givenBackAt().ifPresent(at -> message.setGiveBackTime(Timestamps.of(at)));
    return message.build();
  }

  static ReuseRule reuse(LookRule rule) {
    return switch (rule.rule()) {
      case REFUSE -> ReuseRule.REUSE_RULE_REFUSE;
      case SPLIT -> ReuseRule.REUSE_RULE_SPLIT;
    };
  }
}
