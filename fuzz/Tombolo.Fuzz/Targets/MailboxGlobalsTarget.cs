// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Mailbox;
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Fuzz.Targets;

/// <summary>Slot 0 as anybody may have written it: impossible sizes are refused, possible ones reach no byte outside the window.</summary>
internal sealed class MailboxGlobalsTarget : IFuzzTarget
{
    private readonly Window[] _windows = [.. new[] { 4096L, 8192, 1 << 20, 1 << 26 }.Select(Map)];

    public string Name => "mailbox-globals";

    public IReadOnlyList<byte[]> Words { get; } = [.. new long[] { 128, 136, 512, 1 << 20, 14, 15, 16, 1, 2, 3, 65534, 65535, 65536 }.Select(BitConverter.GetBytes)];

    public IEnumerable<byte[]> Seeds() =>
    [
        [],
        [1, .. Fields(512, 128, 14, 16, 15)],
        [0, .. Fields(136, 128, 1, 3, 2)],
        [3, .. Fields(1024, 72, 65534, 65536, 65535)],
        [3, .. Fields(1 << 20, 128, 62, 64, 63)],
    ];

    public string Run(ReadOnlySpan<byte> input)
    {
        var script = new ByteScript(input);
        Window window = _windows[script.Byte() % _windows.Length];
        Span<byte> globals = stackalloc byte[MailboxGlobals.Size];
        globals.Clear();
        script.Bytes(globals.Length).CopyTo(globals);
        window.View(0, globals.Length).CopyIn(0, globals);
        MailboxGeometry geometry;
        try { geometry = MailboxGeometry.Read(window); }
        catch (ProtocolException exception)
        {
            FuzzFinding.Require(MailboxGeometry.VectorCountIn(window) is null, "A vector count is given for what is no mailbox.");
            return string.Concat(exception.Message.Where(letter => !char.IsDigit(letter)));
        }
        FuzzFinding.Require(geometry.UsedBytes <= window.LengthBytes, $"{geometry.UsedBytes} bytes of slots are taken to be in {window.LengthBytes} bytes.");
        FuzzFinding.Require(MailboxGeometry.VectorCountIn(window) == geometry.Events, "Two readers see two vector counts.");
        var slots = new MailboxSlots(window, geometry);
        byte[] message = new byte[geometry.MaxMessage];
        foreach (PeerId slot in new[] { new PeerId(1), geometry.ServerId })
        {
            slots.Publish(slot, slot, message);
            slots.CopyMessage(slot, message);
            _ = (slots.NameOf(slot), slots.AddressOf(slot), slots.NumberOf(slot));
            slots.Vacate(slot);
        }
        return $"mailbox in {window.LengthBytes}";
    }

    public void Dispose() => Array.ForEach(_windows, window => window.Dispose());

    private static Window Map(long size)
    {
        using SafeFd fd = Memfd.Create("fuzz", size);
        return Window.Map(fd);
    }

    private static IEnumerable<byte> Fields(params long[] values) => values.SelectMany(BitConverter.GetBytes);
}
