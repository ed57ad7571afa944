package dev.palimpsest.pageserver.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import dev.palimpsest.pageapi.PageApiProto;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What goes over the wire is what Neon's clients send and understand: names and numbers, as its definition has them. */
class PageServiceProtoTest {
    private static final FileDescriptor FILE = PageApiProto.getDescriptor();

    @Test
    void theServiceHasTheCallsOfNeons() {
        assertThat(FILE.getServices()).singleElement().satisfies(service -> {
            assertThat(service.getFullName()).isEqualTo("page_api.PageService");
            assertThat(service.getMethods().stream().map(PageServiceProtoTest::text))
                    .containsExactlyInAnyOrder(
                            "GetBaseBackup(GetBaseBackupRequest) stream GetBaseBackupResponseChunk",
                            "GetDbSize(GetDbSizeRequest) GetDbSizeResponse",
                            "GetPages(stream GetPageRequest) stream GetPageResponse",
                            "GetRelSize(GetRelSizeRequest) GetRelSizeResponse",
                            "GetSlruSegment(GetSlruSegmentRequest) GetSlruSegmentResponse",
                            "LeaseLsn(LeaseLsnRequest) LeaseLsnResponse");
        });
    }

    private static String text(MethodDescriptor method) {
        return method.getName() + "(" + (method.isClientStreaming() ? "stream " : "")
                + method.getInputType().getName() + ") " + (method.isServerStreaming() ? "stream " : "")
                + method.getOutputType().getName();
    }

    @Test
    void everyFieldHasItsNumberAndType() {
        List<String> fields = FILE.getMessageTypes().stream()
                .flatMap(message -> message.getFields().stream())
                .map(PageServiceProtoTest::text)
                .toList();
        assertThat(fields)
                .containsExactlyInAnyOrder(
                        "GetBaseBackupRequest.lsn = 1 uint64",
                        "GetBaseBackupRequest.replica = 2 bool",
                        "GetBaseBackupRequest.full = 3 bool",
                        "GetBaseBackupRequest.compression = 4 enum",
                        "GetBaseBackupResponseChunk.chunk = 1 bytes",
                        "GetDbSizeRequest.read_lsn = 1 page_api.ReadLsn",
                        "GetDbSizeRequest.db_oid = 2 uint32",
                        "GetDbSizeResponse.num_bytes = 1 uint64",
                        "GetPageRequest.request_id = 1 page_api.RequestID",
                        "GetPageRequest.request_class = 2 enum",
                        "GetPageRequest.read_lsn = 3 page_api.ReadLsn",
                        "GetPageRequest.rel = 4 page_api.RelTag",
                        "GetPageRequest.block_number = 5 repeated packed uint32",
                        "GetPageResponse.request_id = 1 page_api.RequestID",
                        "GetPageResponse.status_code = 2 enum",
                        "GetPageResponse.reason = 3 string",
                        "GetPageResponse.rel = 4 page_api.RelTag",
                        "GetPageResponse.page = 5 repeated page_api.Page",
                        "GetRelSizeRequest.read_lsn = 1 page_api.ReadLsn",
                        "GetRelSizeRequest.rel = 2 page_api.RelTag",
                        "GetRelSizeRequest.allow_missing = 3 bool",
                        "GetRelSizeResponse.num_blocks = 1 uint32",
                        "GetRelSizeResponse.missing = 2 bool",
                        "GetSlruSegmentRequest.read_lsn = 1 page_api.ReadLsn",
                        "GetSlruSegmentRequest.kind = 2 uint32",
                        "GetSlruSegmentRequest.segno = 3 uint32",
                        "GetSlruSegmentResponse.segment = 1 bytes",
                        "LeaseLsnRequest.lsn = 1 uint64",
                        "LeaseLsnResponse.expires = 1 google.protobuf.Timestamp",
                        "Page.block_number = 1 uint32",
                        "Page.image = 2 bytes",
                        "ReadLsn.request_lsn = 1 uint64",
                        "ReadLsn.not_modified_since_lsn = 2 uint64",
                        "RelTag.spc_oid = 1 uint32",
                        "RelTag.db_oid = 2 uint32",
                        "RelTag.rel_number = 3 uint32",
                        "RelTag.fork_number = 4 uint32",
                        "RequestID.id = 1 uint64",
                        "RequestID.attempt = 2 uint32");
    }

    private static String text(FieldDescriptor field) {
        String type = field.getType() == FieldDescriptor.Type.MESSAGE
                ? field.getMessageType().getFullName()
                : field.getType().name().toLowerCase(Locale.ROOT);
        return field.getContainingType().getName() + "." + field.getName() + " = " + field.getNumber() + " "
                + (field.isRepeated() ? "repeated " : "") + (field.isPacked() ? "packed " : "") + type;
    }

    @Test
    void everyValueHasItsNumber() {
        assertThat(FILE.getEnumTypes().stream().flatMap(PageServiceProtoTest::values))
                .containsExactlyInAnyOrder(
                        "BASE_BACKUP_COMPRESSION_UNKNOWN = 0",
                        "BASE_BACKUP_COMPRESSION_NONE = 1",
                        "BASE_BACKUP_COMPRESSION_GZIP = 2",
                        "GET_PAGE_CLASS_UNKNOWN = 0",
                        "GET_PAGE_CLASS_NORMAL = 1",
                        "GET_PAGE_CLASS_PREFETCH = 2",
                        "GET_PAGE_CLASS_BACKGROUND = 3",
                        "GET_PAGE_STATUS_CODE_UNKNOWN = 0",
                        "GET_PAGE_STATUS_CODE_OK = 1",
                        "GET_PAGE_STATUS_CODE_NOT_FOUND = 2",
                        "GET_PAGE_STATUS_CODE_INVALID_REQUEST = 3",
                        "GET_PAGE_STATUS_CODE_INTERNAL_ERROR = 4",
                        "GET_PAGE_STATUS_CODE_SLOW_DOWN = 5");
    }

    private static Stream<String> values(EnumDescriptor type) {
        return type.getValues().stream().map(value -> value.getName() + " = " + value.getNumber());
    }
}
