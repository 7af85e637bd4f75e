// SPDX-License-Identifier: MIT
using Shouldly;

namespace Tombolo.Machines.Tests;

public sealed class StanzaTests
{
    private static readonly MachineAttachment[] _two = [new("genz", "/run/tombolo/demo/genz.sock", 16), new("wide", "/tmp/it's here/wide.sock", 64)];

    [Fact]
    public void QemuStanza_TwoMailboxes_IsReadyToPaste() => QemuStanza.ForShell(_two).ShouldBe(
        """
        -chardev socket,id=doorbell-genz,path=/run/tombolo/demo/genz.sock \
        -device ivshmem-doorbell,id=doorbell-genz,vectors=16,chardev=doorbell-genz \
        -chardev 'socket,id=doorbell-wide,path=/tmp/it'\''s here/wide.sock' \
        -device ivshmem-doorbell,id=doorbell-wide,vectors=64,chardev=doorbell-wide

        """);

    [Fact]
    public void LibvirtXml_TwoMailboxes_IsReadyToPaste() => LibvirtXml.ForDevices([_two[0], new("odd", "/tmp/a&'b", 2)]).ShouldBe(
        """
            <shmem name="genz">
              <model type="ivshmem-doorbell" />
              <server path="/run/tombolo/demo/genz.sock" />
              <msi vectors="16" ioeventfd="on" />
            </shmem>
            <shmem name="odd">
              <model type="ivshmem-doorbell" />
              <server path="/tmp/a&amp;'b" />
              <msi vectors="2" ioeventfd="on" />
            </shmem>

        """);
}
