/** Model folders, engines, PostgreSQL and the policy-server, as the core sees them. */
@NullMarked
package io.ballast.safety.adapter;

import org.jspecify.annotations.NullMarked;
