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
    public void LibvirtXml_NetworkCards_NameWhatTheDomainNeeds() => LibvirtXml.ForDevices([], [new("lan-a", "/r/a.sock", "02:00:00:00:aa:01"), new("lan-b", "/r/b.sock", "02:00:00:00:aa:02") { Listens = true, QueuePairs = 2, Mtu = 1400 }]).ShouldBe(
        """
            <!-- the domain needs <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking> -->
            <interface type="vhostuser">
              <mac address="02:00:00:00:aa:01" />
              <source type="unix" path="/r/a.sock" mode="client">
                <reconnect enabled="yes" timeout="1" />
              </source>
              <model type="virtio" />
            </interface>
            <interface type="vhostuser">
              <mac address="02:00:00:00:aa:02" />
              <source type="unix" path="/r/b.sock" mode="server" />
              <model type="virtio" />
              <driver queues="2" />
              <mtu size="1400" />
            </interface>

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
