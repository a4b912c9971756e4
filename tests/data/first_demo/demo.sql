PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE authmw_api_keys (
	id TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	scopes TEXT NOT NULL, 
	name TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	expires_at DOUBLE, 
	revoked_at DOUBLE, 
	last_used_at DOUBLE, 
	CONSTRAINT pk_authmw_api_keys PRIMARY KEY (id), 
	CONSTRAINT uq_authmw_api_keys_digest UNIQUE (digest)
);
INSERT INTO authmw_api_keys VALUES('key_XqTsYi2hoMHU','2e6b93df750066048ae6ff5058e5b20915acacc8c812d1d5fab4e5e409b2c6c6','alice','orders:read','demo',1795233302.676759243,NULL,NULL,NULL);
CREATE TABLE authmw_tokens (
	id TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	expires_at DOUBLE NOT NULL, 
	scopes TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	client_id TEXT, 
	created_at DOUBLE NOT NULL, 
	revoked_at DOUBLE, 
	CONSTRAINT pk_authmw_tokens PRIMARY KEY (id), 
	CONSTRAINT uq_authmw_tokens_digest UNIQUE (digest)
);
CREATE TABLE authmw_users (
	id TEXT NOT NULL, 
	username TEXT NOT NULL, 
	password_hash TEXT, 
	scopes TEXT NOT NULL, 
	attributes TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	disabled_at DOUBLE, 
	CONSTRAINT pk_authmw_users PRIMARY KEY (id), 
	CONSTRAINT uq_authmw_users_username UNIQUE (username)
);
INSERT INTO authmw_users VALUES('alice','alice','$argon2id$v=19$m=65536,t=3,p=4$OibldUCBTdwVvx/y4haszw$TYzyvY3XYlAsvWUbzBsrOFBNUwK4MapE+OUQzs97bFA','orders:read','{}',1795233302.670032978,NULL);
CREATE TABLE authmw_user_digests (
	user_id TEXT NOT NULL, 
	realm TEXT NOT NULL, 
	algorithm TEXT NOT NULL, 
	ha1 TEXT NOT NULL, 
	userhash TEXT NOT NULL, 
	CONSTRAINT pk_authmw_user_digests PRIMARY KEY (user_id, realm, algorithm), 
	CONSTRAINT uq_authmw_user_digests_userhash_realm_algorithm UNIQUE (userhash, realm, algorithm), 
	CONSTRAINT fk_authmw_user_digests_user_id FOREIGN KEY(user_id) REFERENCES authmw_users (id) ON DELETE CASCADE
);
CREATE INDEX ix_authmw_api_keys_owner ON authmw_api_keys (owner);
CREATE INDEX ix_authmw_tokens_expires_at ON authmw_tokens (expires_at);
CREATE INDEX ix_authmw_tokens_subject ON authmw_tokens (subject);
COMMIT;
