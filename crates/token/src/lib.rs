//! JWS and JWT, JWKS, signing certificates, policy JWS and OpenID metadata.
