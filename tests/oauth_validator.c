/*
 * A server's part of a login with OAuth: PostgreSQL brings none. It accepts the token "good", for any role.
 * tests/oauth.bats compiles it with the headers of the server, 18 or later.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/oauth.h"

PG_MODULE_MAGIC;

static bool
validate(const ValidatorModuleState *state, const char *token, const char *role,
    ValidatorModuleResult *result)
{
	result->authorized = strcmp(token, "good") == 0;
	result->authn_id = pstrdup(role);
	return true;
}

const OAuthValidatorCallbacks *
_PG_oauth_validator_module_init(void)
{
	static const OAuthValidatorCallbacks callbacks = {
	    .magic = PG_OAUTH_VALIDATOR_MAGIC,
	    .validate_cb = validate,
	};

	return &callbacks;
}
