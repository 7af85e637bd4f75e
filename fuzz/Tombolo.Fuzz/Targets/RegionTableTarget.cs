// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Regions;

namespace Tombolo.Fuzz.Targets;

/// <summary>The head of a window as a guest may have written it: a sound layout, or a sentence that says why not.</summary>
internal sealed class RegionTableTarget : IFuzzTarget
{
    private const int Bytes = 1 << 16;
    private readonly Window _window;

    public RegionTableTarget()
    {
        using SafeFd memory = Memfd.Create("fuzz", Bytes);
        _window = Window.Map(memory);
    }

    public string Name => "region-table";

    public IReadOnlyList<byte[]> Words { get; } = [.. new uint[] { 2, 1, 16, 60, 4096, 8192, 65536, 65535, 0x10000, 0xFFFFFFFF, 0xFFFFF000, 31, 32 }.Select(BitConverter.GetBytes), Encoding.ASCII.GetBytes("screen\0"), [0]];

    public IEnumerable<byte[]> Seeds()
    {
        yield return [];
        using SafeFd memory = Memfd.Create("seed", Bytes);
        using Window window = Window.Map(memory);
        RegionDescriptor one = new(0, 0, 4096, 8192, 136, new(4, 0, 64), new(4, 68, 132), "screen", 0), other = one with { BeginOffset = 8192, EndOffset = 65536, Name = "fb" };
        foreach (RegionDescriptor[] regions in (RegionDescriptor[][])[[one], [one with { ManagedBy = 1 }, other], [one, other with { BeginOffset = 4096 }]])
        {
            RegionLayout.Of(0, regions).Write(window);
            byte[] head = new byte[16 + (60 * regions.Length)];
            window.View(0, head.Length).CopyOut(0, head);
            yield return head;
        }
    }

    public string Run(ReadOnlySpan<byte> input)
    {
        _window.View(0, Bytes).Clear(0, Bytes);
        _window.View(0, Bytes).CopyIn(0, input[..Math.Min(input.Length, Bytes)]);
        bool isSound = RegionLayout.TryRead(_window, out RegionLayout? layout, out string fault);
        FuzzFinding.Require(isSound == (layout is not null) && isSound == (fault.Length == 0), $"Read: {isSound}, with the fault '{fault}'.");
        if (!isSound)
        {
            FuzzFinding.Require(!fault.Any(char.IsControl), $"The fault has characters that no terminal should get: {fault}");
            return $"refused, {string.Join(' ', fault.Split(' ').Where(word => word.Length > 1 && word.All(char.IsAsciiLetterLower)).Take(5))}";
        }
        RegionLayoutTarget.Judge(layout!);
        return $"{Math.Min(layout!.Regions.Count, 3)} regions";
    }

    public void Dispose() => _window.Dispose();
}
