// SPDX-License-Identifier: Apache-2.0
//! POST /ask-redacted: a prompt as text in, Claude's answer as a stream of text out. E-mail addresses
//! and card numbers are taken out of the prompt before the CLI sees it; `X-Redacted` says how many.
//!
//! No crates: `koine.rs` holds the part of the ABI that is used, `redact.rs` does the work.

mod koine;
mod redact;

use koine::{c, sized, Document, Error, Failure, Host, Http, Metric, MetricOptions, Metrics, Module};
use koine::{Request, Route, Run, RunEvent, RunOptions, Runner, StreamOptions, Text};
use std::cell::Cell;
use std::ffi::{c_void, CStr};
use std::os::raw::c_char;
use std::panic::{catch_unwind, AssertUnwindSafe};

/// The state of the module: a Box whose pointer the host keeps from `create` to `destroy`.
/// The tables live as long as the host, hence 'static. All runs on the loop thread: no locks.
struct Redact {
    host: *const Host,
    services: Option<Services>,
}

#[derive(Clone, Copy)]
struct Services {
    http: &'static Http,
    runner: &'static Runner,
    metrics: &'static Metrics,
    redacted: Metric,
}

/// One run, from its start to its END, which comes once, always.
struct Answer<'a> {
    module: &'a Redact,
    services: Services,
    begun: Cell<bool>, // the head is out
}

/// A panic must not unwind into C. Whatever the host calls runs its body in here; a panic becomes
/// KOINE_INVALID, and its message is on stderr, in the gateway's log.
fn guarded(body: impl FnOnce() -> i32) -> i32 {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(koine::INVALID)
}

// ---- a request

fn failure(status: u16, code: &'static str, message: &'static str) -> Failure {
    let mut failure: Failure = unsafe { sized() };
    failure.status = status;
    failure.code = Text::of(code);
    failure.message = Text::of(message);
    failure
}

impl Redact {
    fn fail(&self, services: Services, request: Request, failure: &Failure) -> i32 {
        unsafe { (services.http.fail)(self.host, request, failure) }
    }

    fn handle(&self, services: Services, request: Request) -> i32 {
        let http = services.http;
        let mut body = koine::NONE;
        unsafe { (http.body)(self.host, request, &mut body) };
        // The bytes live as long as the request. What is no UTF-8 is refused, not repaired.
        let prompt = match std::str::from_utf8(unsafe { body.bytes() }) {
            Ok(prompt) => prompt,
            Err(_) => {
                let problem = failure(400, "VALIDATION_ERROR", "The prompt is not UTF-8.");
                return self.fail(services, request, &problem);
            }
        };
        let (clean, count) = redact::redact(prompt);
        unsafe { (services.metrics.add)(self.host, services.redacted, count as f64) };
        let header = count.to_string();
        let name = Text::of("X-Redacted");
        unsafe { (http.set_header)(self.host, request, name, Text::of(&header)) };
        self.start(services, request, &clean) // start copies the prompt
    }

    /// The stream is begun by the first event: until then a refusal is an answer with its status.
    fn start(&self, services: Services, request: Request, prompt: &str) -> i32 {
        let mut options: RunOptions = unsafe { sized() };
        let mut failure: Failure = unsafe { sized() };
        let mut run = Run { id: 0 };
        options.prompt = Text::of(prompt);
        options.flags = koine::RUN_TIE_STREAM; // a slow client slows the run down, not the memory up
        let answer = Box::new(Answer { module: self, services, begun: Cell::new(false) });
        let data = Box::into_raw(answer) as *mut c_void;
        let result = unsafe {
            (services.runner.start)(
                self.host, request, &options, on_event, data, &mut run, &mut failure,
            )
        };
        if result != koine::OK {
            drop(unsafe { Box::from_raw(data as *mut Answer) }); // no event will come
            self.fail(services, request, &failure);
        }
        koine::OK
    }
}

impl Answer<'_> {
    fn on_event(&self, event: &RunEvent) -> i32 {
        match event.kind {
            koine::RUN_SESSION => self.begin(event.request),
            koine::RUN_TEXT => self.write(event.request, event.text),
            koine::RUN_FAILURE => self.tell_failure(event.request, unsafe { &*event.failure }),
            koine::RUN_END if self.begun.get() => unsafe {
                (self.services.http.stream_end)(self.module.host, event.request)
            },
            _ => koine::OK, // also what later versions add
        }
    }

    fn begin(&self, request: Request) -> i32 {
        let mut options: StreamOptions = unsafe { sized() };
        options.content_type = Text::of("text/plain; charset=utf-8");
        let begin = self.services.http.stream_begin;
        let result = unsafe { begin(self.module.host, request, &options) };
        self.begun.set(result == koine::OK);
        result
    }

    fn write(&self, request: Request, text: Text) -> i32 {
        unsafe { (self.services.http.stream_write)(self.module.host, request, text) }
    }

    /// Before the stream this is an answer with its status, within it the text says it.
    fn tell_failure(&self, request: Request, failure: &Failure) -> i32 {
        if !self.begun.get() {
            return self.module.fail(self.services, request, failure);
        }
        let message = String::from_utf8_lossy(unsafe { failure.message.bytes() });
        self.write(request, Text::of(&format!("\n[failed] {message}\n")))
    }
}

unsafe extern "C" fn on_event(data: *mut c_void, event: *const RunEvent) {
    let (answer, event) = (data as *mut Answer, &*event);
    guarded(|| (*answer).on_event(event));
    if event.kind == koine::RUN_END {
        drop(Box::from_raw(answer));
    }
}

unsafe extern "C" fn handle(data: *mut c_void, request: Request) {
    let module = &*(data as *const Redact);
    let services = match module.services {
        Some(services) => services,
        None => return, // not before init, which the host does not do
    };
    if guarded(|| module.handle(services, request)) == koine::INVALID {
        let problem = failure(500, "INTERNAL_ERROR", "The module redact failed; see the log.");
        module.fail(services, request, &problem);
    }
}

// ---- lifecycle

unsafe extern "C" fn create(host: *const Host, out: *mut *mut c_void) -> i32 {
    guarded(|| {
        let module = Box::new(Redact { host, services: None });
        *out = Box::into_raw(module) as *mut c_void;
        koine::OK
    })
}

unsafe extern "C" fn destroy(data: *mut c_void) {
    drop(Box::from_raw(data as *mut Redact));
}

/// A table of the host, which lives as long as the host does.
unsafe fn service<T>(host: *const Host, id: &'static [u8]) -> Option<&'static T> {
    (((*host).service)(host, c(id)) as *const T).as_ref()
}

unsafe fn find_services(host: *const Host) -> Option<Services> {
    let metrics: &Metrics = service(host, koine::METRICS)?;
    let mut options: MetricOptions = sized();
    let mut redacted = Metric { id: 0 };
    options.kind = koine::METRIC_COUNTER;
    options.name = c(b"redacted_total\0");
    options.help = c(b"Addresses and numbers taken out of prompts.\0");
    if (metrics.define)(host, &options, &mut redacted) != koine::OK {
        return None;
    }
    let http = service(host, koine::HTTP)?;
    let runner = service(host, koine::RUNNER)?;
    Some(Services { http, runner, metrics, redacted })
}

/// A sentence into the host's buffer: cut to fit, terminated.
unsafe fn explain(error: *mut Error, sentence: &str) {
    let buffer = std::slice::from_raw_parts_mut((*error).message, (*error).capacity as usize);
    let size = sentence.len().min(buffer.len() - 1);
    buffer[..size].copy_from_slice(&sentence.as_bytes()[..size]);
    buffer[size] = 0;
}

unsafe extern "C" fn init(data: *mut c_void, _config: Text, error: *mut Error) -> i32 {
    let module = &mut *(data as *mut Redact);
    guarded(|| {
        let services = match find_services(module.host) {
            Some(services) => services,
            None => {
                explain(error, "this gateway lacks a service that the module needs");
                return koine::UNSUPPORTED;
            }
        };
        module.services = Some(services);
        let route = Route {
            size: std::mem::size_of::<Route>() as u32,
            authentication: 0, // a key is required
            key_places: 0,     // Authorization: Bearer
            deadline_ms: 0,    // as configured
            method: c(b"POST\0"),
            path: c(b"/ask-redacted\0"),
            slot_class: c(koine::SLOT_STREAMING),
            max_body_bytes: 0, // as configured
            handler: handle,
            render_failure: std::ptr::null(),
            failure_prefix: std::ptr::null(),
        };
        let result = (services.http.route)(module.host, &route);
        if result != koine::OK {
            explain(error, "the route POST /ask-redacted was refused");
        }
        result
    })
}

const fn document(text: &'static str) -> Document {
    let size = std::mem::size_of::<Document>() as u32;
    Document { size, reserved: 0, text: Text::of(text) }
}

static OPENAPI: Document = document(include_str!("openapi.yaml"));
/// No settings: whatever is written there is a mistake, which the host then names.
static CONFIG_SCHEMA: Document = document(r#"{"type": "object", "additionalProperties": false}"#);

unsafe extern "C" fn extension(_data: *mut c_void, id: *const c_char) -> *const c_void {
    match CStr::from_ptr(id).to_bytes() {
        koine::EXTENSION_OPENAPI => &OPENAPI as *const Document as *const c_void,
        koine::EXTENSION_CONFIG_SCHEMA => &CONFIG_SCHEMA as *const Document as *const c_void,
        _ => std::ptr::null(),
    }
}

static MODULE: Module = Module {
    magic: koine::MODULE_MAGIC,
    abi_major: koine::ABI_MAJOR,
    abi_minor: koine::ABI_MINOR,
    size: std::mem::size_of::<Module>() as u32,
    reserved: 0,
    name: c(b"redact\0"),
    version: c(b"1.0.0\0"),
    summary: c(b"POST /ask-redacted: no addresses and card numbers for Claude\0"),
    create,
    init,
    start: None,
    quiesce: None,
    destroy: Some(destroy),
    extension: Some(extension),
};

/// The one symbol of the module.
#[no_mangle]
pub extern "C" fn koine_module() -> *const Module {
    &MODULE
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_panic_crosses_the_border() {
        assert_eq!(super::guarded(|| panic!("as a test does it")), super::koine::INVALID);
        assert_eq!(super::guarded(|| 7), 7);
    }
}
