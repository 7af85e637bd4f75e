// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Text;
using Tombolo.Cli.Output;
using Tombolo.Cli.Region;
using Tombolo.Regions;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo region read|write|dump</c>: a region's bytes. Offsets are the region's own, as in the guest.</summary>
internal static class RegionBytesCommands
{
    private const int Piece = 1 << 20;

    public static ExampleCommand Read(CommandContext context)
    {
        RegionChoice choice = new();
        Argument<string?> offset = new("offset") { Description = "Where to begin, from the region's begin; by default where its data begins.", Arity = ArgumentArity.ZeroOrOne };
        Argument<string> length = new("length") { Description = "How many bytes; K and M count in powers of 1024.", DefaultValueFactory = _ => "256", Arity = ArgumentArity.ZeroOrOne };
        ExampleCommand command = new("read", "Reads bytes of a region: in hexadecimal on a terminal, as they are in a pipe.", "tombolo region read phone/hwcomposer", "tombolo region read hwcomposer 0x1000 64K > frame.raw") { choice.Region, offset, length };
        return choice.Looking(command, (parsed, client, json, stop) =>
        {
            uint at = parsed.GetValue(offset) is { } text ? RegionChoice.Number(text, "The offset") : client.DataOffset;
            string wanted = parsed.GetRequiredValue(length);
            if (!ByteSize.TryParse(wanted, out long bytes)) throw new CommandException($"The length is '{Printable.Text(wanted)}'; it must be a size such as 256 or 64K", ExitCode.WrongUse);
            return PrintAsync(context.Screen, client, at, (uint)Math.Clamp(bytes, 0, Math.Max(0, (long)client.LengthBytes - at)), json, stop);
        });
    }

    public static ExampleCommand Dump(CommandContext context)
    {
        RegionChoice choice = new();
        ExampleCommand command = new("dump", "Reads all of a region's data, as read does.", "tombolo region dump phone/hwcomposer > region.raw") { choice.Region };
        return choice.Looking(command, (_, client, json, stop) => PrintAsync(context.Screen, client, client.DataOffset, client.LengthBytes - client.DataOffset, json, stop));
    }

    public static ExampleCommand Write(CommandContext context)
    {
        RegionChoice choice = new();
        Argument<string> offset = new("offset") { Description = "Where to begin, from the region's begin." };
        Argument<string?> text = new("text") { Description = "What to write; without it, standard input.", Arity = ArgumentArity.ZeroOrOne };
        Option<bool> hex = new("--hex") { Description = "The text is bytes in hexadecimal." };
        Option<bool> word = new("--word") { Description = "The text is a number: write it as a word of 32 bits, little-endian, in one go." };
        Option<bool> signal = new("--signal") { Description = "Then signal the offset, to the guest and to this host." };
        ExampleCommand command = new("write", "Writes bytes into a region.", "tombolo region write phone/touch 0x88 hello", "tombolo region write touch 0x88 1 --word --signal", "tombolo region write phone/hwcomposer 0x1000 < frame.raw") { choice.Region, offset, text, hex, word, signal };
        foreach (Option option in choice.All) command.Add(option);
        command.SetAction(async (parsed, stop) =>
        {
            uint at = RegionChoice.Number(parsed.GetRequiredValue(offset), "The offset");
            string? given = parsed.GetValue(text);
            if (given is null && (parsed.GetValue(hex) || parsed.GetValue(word))) throw new CommandException("--hex and --word need a text", ExitCode.WrongUse);
            if (parsed.GetValue(hex) && parsed.GetValue(word)) throw new CommandException("--hex and --word are two ways to read the text; give one of them", ExitCode.WrongUse);
            if (at % sizeof(uint) != 0 && (parsed.GetValue(word) || parsed.GetValue(signal))) throw new CommandException($"{RegionCommand.Hex(at)} is no place for a word, which --word and --signal need: it must be a multiple of 4", ExitCode.WrongUse);
            using RegionClient client = choice.Open(parsed, readOnly: false);
            if (client.IsReadOnly) throw new CommandException($"This user may only read region {client.Name}");
            if (parsed.GetValue(word)) client.View(at, sizeof(uint)).WriteRelease32(0, RegionChoice.Number(given!, "The word"));
            else if (given is not null) WriteAll(client, at, parsed.GetValue(hex) ? FromHex(given) : Encoding.UTF8.GetBytes(given));
            else await CopyInAsync(client, at, context.Screen.InBytes(), stop);
            if (parsed.GetValue(signal)) client.Signal(at);
            return ExitCode.Done;
        });
        return command;
    }

    private static void WriteAll(RegionClient client, uint offset, ReadOnlySpan<byte> bytes) => client.View(offset, bytes.Length).CopyIn(0, bytes);

    // A piece at a time, so that standard input may be as long as the region; longer is refused where the region ends.
    private static async Task CopyInAsync(RegionClient client, uint offset, Stream input, CancellationToken stop)
    {
        byte[] piece = new byte[Piece];
        // A read of standard input cannot be called off: when we are stopped it stays behind, and ends with the program.
        for (int count; (count = await input.ReadAsync(piece, CancellationToken.None).AsTask().WaitAsync(stop)) > 0; offset += (uint)count) WriteAll(client, offset, piece.AsSpan(0, count));
    }

    private static byte[] FromHex(string text)
    {
        string bare = string.Concat(text.Where(letter => letter is not (' ' or ':')));
        try { return Convert.FromHexString(bare); }
        catch (FormatException) { throw new CommandException($"'{Printable.Text(text)}' is not bytes in hexadecimal, such as 00ff10", ExitCode.WrongUse); }
    }

    private static async Task PrintAsync(Screen screen, RegionClient client, uint offset, uint length, bool json, CancellationToken stop)
    {
        if (json || screen.IsTerminal)
        {
            byte[] all = new byte[length];
            client.View(offset, all.Length).CopyOut(0, all);
            if (json) screen.Json(new(client.Name, offset, Convert.ToHexStringLower(all)), CliJson.Default.RegionBytes);
            else foreach (string line in HexView.Lines(all, offset)) screen.Line(line);
            return;
        }
        Stream output = screen.OutBytes();
        byte[] piece = new byte[Math.Min(Piece, length)];
        for (uint done = 0; done < length;)
        {
            int count = (int)Math.Min((uint)piece.Length, length - done);
            client.View(offset + done, count).CopyOut(0, piece.AsSpan(0, count));
            await output.WriteAsync(piece.AsMemory(0, count), CancellationToken.None).AsTask().WaitAsync(stop);   // whoever reads may take its time
            done += (uint)count;
        }
        if (length == 0) _ = client.View(offset, 0);   // an offset beyond the region is refused all the same
    }
}
