//! server.
/// stub
#[derive(Debug, thiserror::Error)]
#[error("stub")]
pub struct Error;
/// stub
pub struct Bound {
    /// stub
    pub address: std::net::SocketAddr,
}
/// stub
pub async fn serve(live: std::sync::Arc<crate::live::Live>) -> Result<Bound, Error> {
    Ok(Bound {
        address: live.snapshot().catalog.config.listen,
    })
}
