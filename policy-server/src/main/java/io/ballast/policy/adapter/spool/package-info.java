/** What waits for the database, in files on this server's own disk. */
@NullMarked
package io.ballast.policy.adapter.spool;

import org.jspecify.annotations.NullMarked;
