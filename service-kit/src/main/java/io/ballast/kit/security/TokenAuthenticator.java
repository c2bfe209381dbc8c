package io.ballast.kit.security;

import io.ballast.kit.call.BearerToken;
import java.util.Optional;

/** Knows whoever carries a token that was agreed beforehand. */
record TokenAuthenticator(String token, Principal holder) implements Authenticator {
  @Override
  public Optional<Known> know(Credentials credentials) {
    return credentials
        .authorization()
        .filter(header -> BearerToken.isCarried(header, token))
        .map(header -> Known.forGood(holder));
  }

  /** Says nothing of the token. */
  @Override
  public String toString() {
    return "TokenAuthenticator[holder=%s]".formatted(holder.name());
  }
}
