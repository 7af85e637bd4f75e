// SPDX-License-Identifier: MIT
using FsCheck;
using FsCheck.Fluent;
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Testing;
using Tombolo.Wire;

namespace Tombolo.Mailbox.Tests;

public sealed class MailboxGeometryTests
{
    [Fact]
    public void Create_Classic_IsFameZ()
    {
        MailboxGeometry classic = MailboxGeometry.Create();
        (classic.SlotSize, classic.Clients, classic.Events, classic.ServerId.Value, classic.MaxMessage, classic.UsedBytes, classic.WindowBytes).ShouldBe((512, 14, 16, (ushort)15, 383, 8192, 8192));
    }

    [Fact]
    public void Geometry_AnySizeAndCount_SlotsAreDisjointAndInsideTheWindow()
    {
        Gen<(int Size, int Clients)> sizes = from units in Gen.OneOf(Gen.Choose(17, 300), Gen.Choose(17, MailboxGlobals.MaxSlotSize / 8)) from clients in Gen.Choose(1, MailboxGlobals.MaxClients) select (units * 8, clients);
        Prop.ForAll(sizes.ToArbitrary(), given =>
        {
            MailboxGeometry geometry = MailboxGeometry.Create(given.Size, given.Clients);
            long.IsPow2(geometry.WindowBytes).ShouldBeTrue();
            geometry.WindowBytes.ShouldBeGreaterThanOrEqualTo(4096);
            (geometry.WindowBytes / 2 < Math.Max(geometry.UsedBytes, 4096)).ShouldBeTrue();
            for (int id = 0; id < geometry.ServerId.Value; id = (id * 2) + 1)
                geometry.SlotOffset(new((ushort)(id + 1))).ShouldBe(geometry.SlotOffset(new((ushort)id)) + given.Size);
            (geometry.SlotOffset(geometry.ServerId) + given.Size).ShouldBe(geometry.UsedBytes);
            geometry.UsedBytes.ShouldBeLessThanOrEqualTo(geometry.WindowBytes);
            (geometry.BufferOffset + geometry.MaxMessage + 1).ShouldBe(given.Size);
            geometry.HasSlot(new(0)).ShouldBeFalse();
            geometry.HasSlot(geometry.ServerId).ShouldBeTrue();
            MailboxGeometry.TryFrom(geometry.Globals, geometry.UsedBytes, out MailboxGeometry back, out _).ShouldBeTrue();
            back.ShouldBe(geometry);
            MailboxGeometry.TryFrom(geometry.Globals, geometry.UsedBytes - 1, out _, out string problem).ShouldBeFalse();
            problem.ShouldContain("do not fit");
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData(128, 14)]
    [InlineData(130, 14)]
    [InlineData(0, 14)]
    [InlineData(-8, 14)]
    [InlineData(512, 0)]
    [InlineData(512, 65535)]
    [InlineData(512, -1)]
    public void Create_ImpossibleSizes_SaysWhy(int slotSize, int clients) =>
        Should.Throw<ArgumentException>(() => MailboxGeometry.Create(slotSize, clients)).Message.ShouldStartWith("There is no such mailbox: ");

    [Fact]
    public void SlotOffset_BeyondTheServer_IsRefused() =>
        Should.Throw<ArgumentOutOfRangeException>(() => MailboxGeometry.Create().SlotOffset(new PeerId(16)));

    [Fact]
    public void Read_MemoryWithoutMailbox_SaysSo()
    {
        using SafeFd memory = Memfd.Create("empty", 4096);
        using Window window = Window.Map(memory);
        Should.Throw<ProtocolException>(() => MailboxGeometry.Read(window)).Message.ShouldContain("no mailbox server has set it up");
        MailboxGeometry.VectorCountIn(window).ShouldBeNull();
        new MailboxGlobals(512, 128, 14, 16, 15).Write(stackalloc byte[MailboxGlobals.Size]);
        Span<byte> bytes = stackalloc byte[MailboxGlobals.Size];
        new MailboxGlobals(512, 128, 14, 16, 15).Write(bytes);
        window.View(0, bytes.Length).CopyIn(0, bytes);
        Should.Throw<ProtocolException>(() => MailboxGeometry.Read(window)).Message.ShouldContain("16 slots of 512 bytes do not fit into the memory of 4096 bytes");
    }

    /// <summary>The guest driver's header is the ABI: a C compiler says where its fields are.</summary>
    [Fact]
    public void Layout_AgainstTheCompiledHeader_IsTheSame()
    {
        Dictionary<string, int> at = CompiledHeader.Read("guest/linux/test/abi_probe.c").ToDictionary(static entry => entry.Key, static entry => (int)entry.Value);
        at["tombolo_mailbox_slot.nodename"].ShouldBe(SlotLayout.NodeName);
        at["tombolo_mailbox_slot.buflen"].ShouldBe(SlotLayout.MessageLength);
        at["tombolo_mailbox_slot.peer_id"].ShouldBe(SlotLayout.PeerId);
        at["tombolo_mailbox_slot.last_responder"].ShouldBe(SlotLayout.LastResponder);
        at["tombolo_mailbox_slot.peer_sid"].ShouldBe(SlotLayout.Sid);
        at["tombolo_mailbox_slot.peer_cid"].ShouldBe(SlotLayout.Cid);
        at["tombolo_mailbox_slot.pad"].ShouldBe(SlotLayout.HeadEnd);
        at["tombolo_mailbox_slot"].ShouldBe(SlotLayout.BufferOffset);
        at["tombolo_mailbox_globals"].ShouldBe(MailboxGlobals.Size);
        at["TOMBOLO_MAILBOX_SLOTSIZE"].ShouldBe(SlotLayout.ClassicSlotSize);
        at["TOMBOLO_MAILBOX_BUF_OFFSET"].ShouldBe(SlotLayout.BufferOffset);
        at["TOMBOLO_MAILBOX_NODENAME"].ShouldBe(SlotLayout.NodeNameBytes);
        byte[] bytes = new byte[MailboxGlobals.Size];
        new MailboxGlobals(1, 2, 3, 4, 5).Write(bytes);
        foreach ((string field, byte value) in new[] { ("slotsize", (byte)1), ("buf_offset", (byte)2), ("n_clients", (byte)3), ("n_events", (byte)4), ("server_id", (byte)5) })
            bytes[at[$"tombolo_mailbox_globals.{field}"]].ShouldBe(value);
    }
}
