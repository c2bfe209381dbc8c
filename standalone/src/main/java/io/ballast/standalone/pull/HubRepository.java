package io.ballast.standalone.pull;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A model's repository at a hub that has the Hugging Face hub's layout: {@code
 * <hub>/<owner>/<name>/resolve/<revision>/<file>}, with the checksum of a file in {@code
 * X-Linked-ETag} or {@code ETag} and the commit in {@code X-Repo-Commit}. An ETag that is neither a
 * SHA-256 nor Git's SHA-1 of a blob says nothing of the bytes.
 */
public final class HubRepository extends RemoteFiles {
  private final String name;
  private String revision;

  /**
   * Names a repository.
   *
   * @param hub its address, such as {@code https://hub.example}
   * @param name {@code owner/name}
   * @param revision a branch, tag or commit
   * @param token sent as a bearer token; empty: none
   * @param patience how long it may say nothing, before its answer and within it
   */
  public HubRepository(URI hub, String name, String revision, String token, Duration patience) {
    super(hub, token, patience);
    this.name = name;
    this.revision = revision;
  }

  /** The revision, which is a commit once a file has said so: later files are of the same one. */
  public String revision() {
    return revision;
  }

  @Override
  String kind() {
    return "hub";
  }

  @Override
  String addressMend() {
    return "--hub, BALLAST_HUB";
  }

  @Override
  String accessMend() {
    return "export BALLAST_HUB_TOKEN=… if you may read " + name;
  }

  @Override
  String path(String file) {
    return name + "/resolve/" + encoded(revision) + "/" + encodedPath(file);
  }

  @Override
  void told(HttpHeaders headers) {
    headers.firstValue("X-Repo-Commit").ifPresent(commit -> revision = commit);
  }

  /**
   * Compares with the checksum in the tag: SHA-256, or Git's SHA-1 of a blob; others say nothing.
   */
  @Override
  void verify(String file, String etag, Path part, PullProgress progress) throws IOException {
    String found;
    if (etag.matches("[0-9a-f]{64}")) {
      found = digest("SHA-256", part, "");
    } else if (etag.matches("[0-9a-f]{40}")) {
      found = digest("SHA-1", part, "blob " + Files.size(part) + "\0");
    } else {
      return;
    }
    if (!found.equals(etag)) {
      Files.delete(part);
      throw new PullException(
          "CHECKSUM",
          file + ": checksum " + found + ", the hub promised " + etag + "; it was thrown away");
    }
  }
}
