//! The service that the layer puts around another.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::layer::ReferralLayer;
use crate::service::arrive::{arrive, depart};
use crate::visitor::Visitor;

/// What [`ReferralLayer`] makes of a service.
#[derive(Clone, Debug)]
pub struct ReferralService<S> {
    layer: ReferralLayer,
    inner: S,
}

impl<S> Layer<S> for ReferralLayer {
    type Service = ReferralService<S>;

    fn layer(&self, inner: S) -> ReferralService<S> {
        ReferralService { layer: self.clone(), inner }
    }
}

/// The answer of a [`ReferralService`].
pub type ReferralFuture<R, E> = Pin<Box<dyn Future<Output = Result<Response<R>, E>> + Send>>;

impl<S, B, R> Service<Request<B>> for ReferralService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: From<String> + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ReferralFuture<R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready is the one that must be called; its clone stays behind.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        if request.extensions().get::<Visitor>().is_some() {
            return Box::pin(inner.call(request));
        }
        let layer = self.layer.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match arrive(&layer, &parts).await {
                Err(answer) => Ok(answer.map(R::from)),
                Ok(visitor) => {
                    parts.extensions.insert(visitor.clone());
                    let mut response = inner.call(Request::from_parts(parts, body)).await?;
                    depart(&visitor, response.headers_mut());
                    Ok(response)
                }
            }
        })
    }
}
