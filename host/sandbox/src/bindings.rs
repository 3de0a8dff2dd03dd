//! Host bindings of the contract in `wit/`.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "bundle-with-callbacks",
    imports: {
        "waft:task/log.write": trappable,
        "waft:task/progress.report": trappable,
        "waft:task/xcom.push": trappable,
        "waft:task/deferral.woken-by": trappable,
        "waft:task/assets.emit": trappable,
        "waft:task/values.open": trappable,
        "waft:task/values.[method]sequence.len": trappable,
        "waft:task/values.[method]sequence.rewind": trappable,
        "waft:task/blobs.[method]reader.size": trappable,
        "waft:task/blobs.[constructor]writer": trappable,
        default: async | trappable,
    },
    exports: { default: async },
    with: {
        "waft:task/values.sequence": crate::capability::values::Sequence,
        "waft:task/blobs.reader": crate::capability::blobs::Reader,
        "waft:task/blobs.writer": crate::capability::blobs::Writer,
    },
    require_store_data_send: true,
});
