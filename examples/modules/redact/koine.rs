// SPDX-License-Identifier: Apache-2.0
//! The part of the ABI that this module uses, written down as the C headers have it. The numbers
//! behind `=` are the offsets that the headers fix for ever (KOINE_PIN); each is asserted below when
//! this is compiled, and so is the size. Names are those of C without `koine_`.
#![allow(dead_code)]

use std::ffi::c_void;
use std::os::raw::c_char;

/// A struct of C: `#[repr(C)]` puts each member at the next multiple of its alignment. That rule is
/// followed here at compile time and compared with the offset that stands beside the member.
macro_rules! abi_struct {
    ($(#[$about:meta])* $name:ident: $size:literal { $($field:ident: $kind:ty = $offset:literal,)* }) => {
        $(#[$about])*
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub struct $name { $(pub $field: $kind,)* }
        const _: () = {
            let mut end = 0;
            $(
                let align = std::mem::align_of::<$kind>();
                end = (end + align - 1) / align * align;
                assert!(end == $offset, concat!(stringify!($name), ".", stringify!($field)));
                end += std::mem::size_of::<$kind>();
            )*
            assert!(end == $size && std::mem::size_of::<$name>() == $size, stringify!($name));
        };
    };
}

// ---- base.h

pub const OK: i32 = 0;
pub const INVALID: i32 = -2;
pub const UNSUPPORTED: i32 = -3;

abi_struct! {
    /// Bytes of somebody else, not terminated.
    Text: 16 { data: *const u8 = 0, size: usize = 8, }
}
abi_struct! { Request: 8 { id: u64 = 0, } }
abi_struct! { Run: 8 { id: u64 = 0, } }
abi_struct! { Metric: 8 { id: u64 = 0, } }
abi_struct! {
    Host: 16 {
        size: u32 = 0,
        abi_major: u16 = 4,
        abi_minor: u16 = 6,
        service: unsafe extern "C" fn(*const Host, *const c_char) -> *const c_void = 8,
    }
}
abi_struct! {
    Failure: 64 {
        size: u32 = 0,
        status: u16 = 4,
        reserved: u16 = 6,
        retry_after_s: u32 = 8,
        reserved2: u32 = 12,
        code: Text = 16,
        message: Text = 32,
        issues: Text = 48,
    }
}

// ---- http.h

pub const HTTP: &[u8] = b"koine.http/1\0";
pub const SLOT_STREAMING: &[u8] = b"streaming\0";

pub type Handler = unsafe extern "C" fn(*mut c_void, Request);
type GetText = unsafe extern "C" fn(*const Host, Request, *mut Text) -> i32;
/// A member that this module does not call: only its place counts.
type Unused = *const c_void;

abi_struct! {
    Route: 72 {
        size: u32 = 0,
        authentication: u32 = 4,
        key_places: u32 = 8,
        deadline_ms: u32 = 12,
        method: *const c_char = 16,
        path: *const c_char = 24,
        slot_class: *const c_char = 32,
        max_body_bytes: u64 = 40,
        handler: Handler = 48,
        render_failure: Unused = 56,
        failure_prefix: *const c_char = 64,
    }
}
abi_struct! {
    StreamOptions: 64 {
        size: u32 = 0,
        status: u32 = 4,
        content_type: Text = 8,
        keep_alive: Text = 24,
        keep_alive_ms: u32 = 40,
        reserved: u32 = 44,
        drained: Unused = 48,
        data: Unused = 56,
    }
}
abi_struct! {
    Http: 152 {
        size: u32 = 0,
        reserved: u32 = 4,
        route: unsafe extern "C" fn(*const Host, *const Route) -> i32 = 8,
        method: GetText = 16,
        path: GetText = 24,
        query: GetText = 32,
        param: Unused = 40,
        header: Unused = 48,
        body: GetText = 56,
        request_id: GetText = 64,
        peer: GetText = 72,
        alloc: Unused = 80,
        on_end: Unused = 88,
        set_header: unsafe extern "C" fn(*const Host, Request, Text, Text) -> i32 = 96,
        respond: unsafe extern "C" fn(*const Host, Request, i32, Text, Text) -> i32 = 104,
        fail: unsafe extern "C" fn(*const Host, Request, *const Failure) -> i32 = 112,
        stream_begin: unsafe extern "C" fn(*const Host, Request, *const StreamOptions) -> i32 = 120,
        stream_write: unsafe extern "C" fn(*const Host, Request, Text) -> i32 = 128,
        stream_end: unsafe extern "C" fn(*const Host, Request) -> i32 = 136,
        set_deadline: Unused = 144,
    }
}

// ---- runner.h

pub const RUNNER: &[u8] = b"koine.runner/1\0";
pub const RUN_SESSION: u32 = 1;
pub const RUN_TEXT: u32 = 2;
pub const RUN_FAILURE: u32 = 11;
pub const RUN_END: u32 = 12;
pub const RUN_TIE_STREAM: u32 = 2;

abi_struct! {
    RunEvent: 96 {
        size: u32 = 0,
        kind: u32 = 4, // `type` in C, a keyword here
        run: Run = 8,
        request: Request = 16,
        text: Text = 24,
        result: Unused = 40,
        failure: *const Failure = 48,
        end: Unused = 56,
        tool: Unused = 64,
        call: Unused = 72,
        message: Unused = 80,
        retry: Unused = 88,
    }
}
abi_struct! {
    RunOptions: 200 {
        size: u32 = 0,
        flags: u32 = 4,
        prompt: Text = 8,
        prompt_blocks: Text = 24,
        history: Text = 40,
        system: Text = 56,
        append_system: Text = 72,
        schema: Text = 88,
        session_id: Text = 104,
        model: Text = 120,
        effort: Text = 136,
        profile: Text = 152,
        max_tokens: u32 = 168,
        max_turns: u32 = 172,
        timeout_ms: u32 = 176,
        tool_count: u32 = 180,
        max_budget_usd: f64 = 184,
        tools: Unused = 192,
    }
}
pub type RunCallback = unsafe extern "C" fn(*mut c_void, *const RunEvent);
abi_struct! {
    Runner: 64 {
        size: u32 = 0,
        reserved: u32 = 4,
        start: unsafe extern "C" fn(
            *const Host, Request, *const RunOptions, RunCallback, *mut c_void, *mut Run, *mut Failure,
        ) -> i32 = 8,
        cancel: Unused = 16,
        pause: Unused = 24,
        resume: Unused = 32,
        tool_result: Unused = 40,
        park: Unused = 48,
        adopt: Unused = 56,
    }
}

// ---- metrics.h

pub const METRICS: &[u8] = b"koine.metrics/1\0";
pub const METRIC_COUNTER: u32 = 0;

abi_struct! {
    MetricOptions: 56 {
        size: u32 = 0,
        kind: u32 = 4, // `type` in C
        name: *const c_char = 8,
        help: *const c_char = 16,
        labels: Unused = 24,
        label_count: usize = 32,
        buckets: Unused = 40,
        bucket_count: usize = 48,
    }
}
abi_struct! {
    Metrics: 32 {
        size: u32 = 0,
        reserved: u32 = 4,
        define: unsafe extern "C" fn(*const Host, *const MetricOptions, *mut Metric) -> i32 = 8,
        add: unsafe extern "C" fn(*const Host, Metric, f64) -> i32 = 16,
        set: unsafe extern "C" fn(*const Host, Metric, f64) -> i32 = 24,
    }
}

// ---- extension.h

pub const EXTENSION_OPENAPI: &[u8] = b"koine.openapi/1";
pub const EXTENSION_CONFIG_SCHEMA: &[u8] = b"koine.config-schema/1";

abi_struct! { Document: 24 { size: u32 = 0, reserved: u32 = 4, text: Text = 8, } }

// ---- module.h

pub const MODULE_MAGIC: u32 = 0x4b4f_494e;
pub const ABI_MAJOR: u16 = 1;
pub const ABI_MINOR: u16 = 0;

abi_struct! { Error: 16 { size: u32 = 0, capacity: u32 = 4, message: *mut u8 = 8, } }
abi_struct! {
    Module: 88 {
        magic: u32 = 0,
        abi_major: u16 = 4,
        abi_minor: u16 = 6,
        size: u32 = 8,
        reserved: u32 = 12,
        name: *const c_char = 16,
        version: *const c_char = 24,
        summary: *const c_char = 32,
        create: unsafe extern "C" fn(*const Host, *mut *mut c_void) -> i32 = 40,
        init: unsafe extern "C" fn(*mut c_void, Text, *mut Error) -> i32 = 48,
        start: Option<unsafe extern "C" fn(*mut c_void, *mut Error) -> i32> = 56,
        quiesce: Option<unsafe extern "C" fn(*mut c_void)> = 64,
        destroy: Option<unsafe extern "C" fn(*mut c_void)> = 72,
        extension: Option<unsafe extern "C" fn(*mut c_void, *const c_char) -> *const c_void> = 80,
    }
}
// Constants that hold pointers to constants: shared by all threads, written by none.
unsafe impl Sync for Module {}
unsafe impl Sync for Document {}

// ---- what makes the above pleasant

pub const NONE: Text = Text { data: std::ptr::null(), size: 0 };

impl Text {
    pub const fn of(text: &str) -> Text {
        Text { data: text.as_ptr(), size: text.len() }
    }
    /// # Safety
    /// What it points to must live as long as the slice is used: usually until the callback returns.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.size == 0 {
            return &[];
        }
        std::slice::from_raw_parts(self.data, self.size)
    }
}

/// A struct that begins with its size and is zero otherwise: zero is always the default.
/// # Safety
/// All-zero must be a value of `T`: no member may be a function or a reference.
pub unsafe fn sized<T: Copy>() -> T {
    let mut value = std::mem::MaybeUninit::<T>::zeroed();
    *(value.as_mut_ptr() as *mut u32) = std::mem::size_of::<T>() as u32;
    value.assume_init()
}

/// A string constant for C; the bytes must end in a zero.
pub const fn c(text: &[u8]) -> *const c_char {
    assert!(text[text.len() - 1] == 0);
    text.as_ptr() as *const c_char
}
