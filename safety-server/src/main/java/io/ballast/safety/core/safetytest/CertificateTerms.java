package io.ballast.safety.core.safetytest;

import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/**
 * What a signed certificate says beyond its numbers.
 *
 * @param scope what it holds for
 * @param maxPromptTokens the most prompt tokens used, the last ones; 0: as many as fit
 * @param chunk prompts of one call for completions; 0: of before it was signed
 * @param groupsCount of the prompts; 0: they have none, and each is an observation
 * @param merkleRoot over the {@link SampledCost}s in the order of the prompts
 * @param notAfter from this moment on it allows nothing
 * @param codeVersion the code that issued it
 * @param ledgerEntryId the look that it rests on
 * @param look which one, by which rule; empty of before there was a ledger
 * @param account what went before it; empty of before it was signed
 */
public record CertificateTerms(
    TestScope scope,
    int maxPromptTokens,
    int chunk,
    int groupsCount,
    String merkleRoot,
    Instant notAfter,
    String codeVersion,
    UUID ledgerEntryId,
    Optional<Look> look,
    Optional<DeltaAccount> account) {}
