// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Text;
using Tombolo.Cli.Output;
using Tombolo.Fabric;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo init</c>: writes a declaration to begin with.</summary>
internal static class InitCommand
{
    public static Command Create(CommandContext context)
    {
        Option<string> file = CommonOptions.File();
        Option<string> name = new("--name") { Description = "The fabric's name.", HelpName = "name", DefaultValueFactory = _ => "demo" };
        Option<int> machines = new("--machines") { Description = "How many machines, 1 to 14.", HelpName = "n", DefaultValueFactory = _ => 2 };
        ExampleCommand command = new("init", "Writes a fabric.yaml to begin with; never over one that is there.", "tombolo init", "tombolo init -f lab.yaml --name lab --machines 3") { file, name, machines };
        command.SetAction(parsed =>
        {
            int count = parsed.GetValue(machines);
            if (count is < 1 or > 14) throw new CommandException($"--machines is {count}; the mailbox of the template has places for 1 to 14", ExitCode.WrongUse);
            string path = parsed.GetRequiredValue(file);
            byte[] text = Encoding.UTF8.GetBytes(FabricFile.Template(parsed.GetRequiredValue(name), count));
            // A name that cannot be is told before a file is there that nobody can use.
            if (FabricFile.Parse(text, path).Faults is [var fault, ..]) throw new CommandException(fault.Sentence, ExitCode.WrongUse);
            try
            {
                using FileStream created = new(path, FileMode.CreateNew, FileAccess.Write);
                created.Write(text);
            }
            catch (IOException) when (Path.Exists(path)) { throw new CommandException($"{path} exists already and is left as it is; choose another name with -f"); }
            context.Screen.Line($"Wrote {path}. 'tombolo up{(path == FabricFile.DefaultName ? "" : $" -f {path}")}' makes it so.");
            return ExitCode.Done;
        });
        return command;
    }
}
